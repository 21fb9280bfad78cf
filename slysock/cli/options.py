"""The options of the commands: flags, variables and keys of the file, made from the fields that they set.

An option takes type, default and text from its field, so all that is written here is its place in the help.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias, final

import click
import msgspec
from msgspec import inspect as types

from slysock.cli.settings import ListenSettings, SettingsError, StoreSettings, TokenSettings, WatchSettings
from slysock.cli.sources import (
    PREFIX,
    FileValue,
    did_you_mean,
    is_service_address,
    read_file,
    refuse_unknown_variables,
)
from slysock.config import RATES, Config
from slysock.systems import SYSTEMS
from slysock.systems.field_docs import field_docs
from slysock.systems.settings import SystemSettings

Sections: TypeAlias = Mapping[str, Sequence[click.Option]]
"""Heading in the help -> the options under it."""

PLURALS: Final[Mapping[str, str]] = {
    "transports": "transport",
    "cors_origins": "cors_origin",
    "allowed_hosts": "allowed_host",
    "trusted_proxies": "trusted_proxy",
}
"""Fields of Config that are lists -> their options, which may be given several times."""

NOT_FOR_OPERATORS: Final = ("cors_origin_check",)
"""Fields of Config that only a program can set."""

Names: TypeAlias = tuple[str, ...]

_FILE: Final = click.Path(path_type=Path)


@final
class Setting(click.Option):
    """An option that the environment may set, unless it was Kubernetes that set the variable."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says; None: nothing."""
        value = super().resolve_envvar_value(ctx)
        return None if value is not None and is_service_address(str(self.envvar), value) else value


def setting(struct: type[msgspec.Struct], name: str, *, metavar: str | None = None) -> click.Option:
    """Make the option of a struct's field.

    Args:
        struct: what has the field.
        name: of the field: `port` becomes `--port` and SLYSOCK_PORT.
        metavar: what stands for the value in the help; by default the name's last word, or PATH.
    """
    field, flag = _fields_of(struct)[name], f"--{name.replace('_', '-')}"
    kind = _kind_of(field.type)
    if metavar is None and not isinstance(field.type, types.BoolType | types.LiteralType):  # those say it themselves
        metavar = "PATH" if kind is _FILE else name.rpartition("_")[2].upper()
    return Setting(
        [f"{flag}/--no-{flag[2:]}" if kind is click.BOOL else flag],
        type=kind,
        default=field.default,
        show_default=field.default is not None,
        metavar=metavar,
        help=" ".join(field_docs(struct).get(name, "").split()),
        envvar=_variable(name),
    )


@cache
def _fields_of(struct: type[msgspec.Struct]) -> Mapping[str, types.Field]:
    described = types.type_info(struct)
    assert isinstance(described, types.StructType)
    return {field.name: field for field in described.fields}


def _kind_of(declared: types.Type) -> object:
    """Return click's type for that of a field; numbers without bounds are positive, as in Config."""
    match declared:
        case types.UnionType(types=members):
            return _kind_of(next(member for member in members if not isinstance(member, types.NoneType)))
        case types.BoolType():
            return click.BOOL
        case types.IntType(ge=least, le=most):
            return click.IntRange(1 if least is None else least, most)
        case types.FloatType():
            return click.FloatRange(0, min_open=True)
        case types.LiteralType(values=values):
            return click.Choice(list(map(str, values)), case_sensitive=False)
        case types.CustomType():
            return _FILE
        case _:
            return click.STRING


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def listing(name: str, help_text: str, *choices: str) -> click.Option:
    """Make an option that may be given several times, or once with commas between.

    Args:
        name: in the singular.
        help_text: for people.
        choices: what may be named; anything if there are none.
    """

    def split(context: click.Context, parameter: click.Parameter, values: Names) -> Names:
        names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
        for given in names:
            if choices and given not in choices:
                guess = did_you_mean(given, choices) or f"; choose from {', '.join(choices)}"
                raise click.BadParameter(f"unknown {name} {given!r}{guess}", context, parameter)
        return tuple(dict.fromkeys(names))

    return click.Option(
        [f"--{name.replace('_', '-')}"],
        metavar=name.rpartition("_")[2].upper(),
        multiple=True,
        callback=split,
        help=help_text,
        envvar=_variable(name),
    )


def config_option() -> click.Option:
    """Make `--config`, which is read before all others."""
    return click.Option(
        ["--config"],
        type=_FILE,
        metavar="FILE.toml",
        is_eager=True,
        callback=_load_file,
        envvar=_variable("config"),
        help="Read settings from this file: port = 3000, cors_origin = ['https://shop.example'], …",
    )


def _load_file(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:  # noqa: ARG001 - the shape of a click callback
    """Make the file's values the defaults of all other options; the file may be shared by all commands."""
    if path is not None:
        values = read_file(path, KNOWN)
        context.default_map = {name: _fitting(path, name, value) for name, value in values.items()}
    return path


def _fitting(path: Path, name: str, value: FileValue) -> FileValue:
    """Check what click would let pass: a number for a string, true for a number, a list for one value."""
    option = KNOWN[name]
    if option.multiple:
        wanted, fits = "a string or a list of strings", isinstance(value, str | list)
        value = [value] if isinstance(value, str) else value
    elif option.is_flag:
        wanted, fits = "true or false", isinstance(value, bool)
    elif isinstance(option.type, click.IntRange | click.FloatRange):
        is_whole = isinstance(option.type, click.IntRange)
        wanted = "a whole number" if is_whole else "a number"
        fits = isinstance(value, int | str if is_whole else int | float | str) and not isinstance(value, bool)
    else:
        wanted, fits = "a string", isinstance(value, str)
    if not fits:
        raise SettingsError(f"{path}: {name} must be {wanted}")
    return value


def store_option() -> click.Option:
    """Make `--store`."""
    return setting(TokenSettings, "store", metavar="URL")


def token_options() -> list[click.Option]:
    """Make the options that say how tokens are signed."""
    names = [name for name in TokenSettings.__struct_fields__ if name != "store"]
    return [setting(TokenSettings, name) for name in names]


def system_option() -> click.Option:
    """Make `--system`. Whether a system exists is only checked when it is loaded."""
    return listing(
        "system",
        f"A chat system: {', '.join(SYSTEMS)}, or module:name for another, in the working directory or installed. "
        "May be repeated; without it, all that are listed here.",
    )


def path_option() -> click.Option:
    """Make `--path`."""
    return setting(Config, "path")


def _serve_sections() -> Sections:
    socketio = (
        path_option(),
        listing("transport", "polling or websocket. May be repeated; without it, both.", "polling", "websocket"),
        *(setting(Config, name) for name in ("parser", "allow_upgrades", "ping_interval_seconds")),
        setting(Config, "ping_timeout_seconds"),
    )
    rates = (*(setting(Config, name, metavar="NUMBER") for name in RATES), setting(Config, "burst_seconds"))
    shown = {option.name for option in (*socketio, *rates)} | {*PLURALS, *NOT_FOR_OPERATORS}
    return {
        "Where to listen": [setting(ListenSettings, name) for name in ListenSettings.__struct_fields__],
        "What to serve": [store_option(), setting(StoreSettings, "store_wait", metavar="SECONDS"), system_option()],
        "Uploads and room": [
            setting(SystemSettings, name, metavar=None if name == "media_path" else "BYTES")
            for name in SystemSettings.__struct_fields__
            if name != "trust_user_join"
        ],
        "Who may come in": [
            *token_options(),
            listing(
                "cors_origin",
                "Let only pages of this origin connect, with their cookies: https://shop.example, or "
                "https://*.shop.example for all names below it. May be repeated. Without it, or with *, pages of any "
                "origin may connect, but their cookies do not count.",
            ),
            listing(
                "allowed_host",
                "Answer only under this name: shop.example, or *.shop.example. May be repeated; without it, under any "
                "name, and a page whose name was made to point here counts as our own.",
            ),
            listing(
                "trusted_proxy",
                "Believe what this proxy says about clients, by X-Forwarded-* or Forwarded: an address, a network like "
                "10.0.0.0/8, or unix for one on a Unix socket. May be repeated.",
            ),
            setting(SystemSettings, "trust_user_join"),
        ],
        "Socket.IO": socketio,
        "Limits": [setting(Config, name) for name in Config.__struct_fields__ if name not in shown],
        "Rates": rates,
        "Other": [*(setting(WatchSettings, name) for name in WatchSettings.__struct_fields__), config_option()],
    }


SERVE: Final = _serve_sections()

KNOWN: Final[Mapping[str, click.Option]] = {
    option.name: option for section in SERVE.values() for option in section if option.name not in (None, "config")
}
"""What may be set in the environment and in the file, by name."""


def refuse_unknown_environment() -> None:
    """Refuse variables of the process's environment that look like settings and are unknown.

    Raises:
        SettingsError: there is one.
    """
    refuse_unknown_variables(os.environ, {*KNOWN, "config"})
