"""The options of the commands: tables from which flags, variables and keys of the file are made."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import click

from slysock.cli.settings import (
    DEFAULT_STORE,
    PREFIX,
    FileValue,
    SettingsError,
    did_you_mean,
    read_file,
    refuse_unknown_variables,
)
from slysock.config import Config
from slysock.systems import SYSTEMS, SystemSettings

Sections: TypeAlias = Mapping[str, Sequence[click.Option]]
"""Options under the headings that the help has them under."""

Names: TypeAlias = tuple[str, ...]

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_FILE: Final = click.Path(path_type=Path)
_SYSTEMS: Final = SystemSettings()
_PORT: Final = click.IntRange(0, 65535)


def names_of(*choices: str, what: str) -> Callable[[click.Context, click.Parameter, Names], Names]:
    """Make the callback of an option that holds several names: also with commas between, of these if any are given."""

    def check(context: click.Context, parameter: click.Parameter, values: Names) -> Names:
        names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
        for name in names:
            if choices and name not in choices:
                guess = did_you_mean(name, choices) or f"; there is {', '.join(choices)}"
                raise click.BadParameter(f"no {what} is called {name!r}{guess}", context, parameter)
        return tuple(dict.fromkeys(names))

    return check


def _setting(
    flag: str,
    help_text: str,
    *,
    kind: object = None,
    default: object = None,
    metavar: str | None = None,
    check: Callable[[click.Context, click.Parameter, Names], Names] | None = None,
) -> click.Option:
    """Make an option that is also a variable and a key of the file; with `check` it may be given several times."""
    name = flag.partition("/")[0].removeprefix("--").replace("-", "_")
    return click.Option(
        [flag],
        type=kind,
        default=default,
        show_default=default is not None,
        metavar=metavar,
        multiple=check is not None,
        callback=check,
        help=help_text,
        envvar=f"{PREFIX}{name.upper()}",
    )


def _limit(name: str, help_text: str) -> click.Option:
    """Make the option of a number in the server's Config."""
    default: object = getattr(Config(), name)
    kind = click.FloatRange(0, min_open=True) if isinstance(default, float) else click.IntRange(1)
    metavar = {"seconds": "SECONDS", "bytes": "BYTES"}.get(name.rpartition("_")[2], "NUMBER")
    return _setting(f"--{name.replace('_', '-')}", help_text, kind=kind, default=default, metavar=metavar)


def _load_file(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:  # noqa: ARG001 - the shape of a click callback
    """Make the file's values the defaults of all other options; the file may be shared by all commands."""
    if path is not None:
        values = read_file(path, KNOWN)
        context.default_map = {name: _fitting(path, name, value) for name, value in values.items()}
    return path


def _fitting(path: Path, name: str, value: FileValue) -> FileValue:
    """Check what click would let pass: a number for a text, true for a number, a list for one value."""
    option = KNOWN[name]
    if option.multiple:
        if isinstance(value, str | list):
            return [value] if isinstance(value, str) else value
        raise SettingsError(f"{path}: {name} must be a text or a list of texts")
    is_number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
    wanted = "true or false" if option.is_flag else "a number" if is_number else "a text"
    is_fitting = (
        isinstance(value, bool)
        if option.is_flag
        else isinstance(value, int | float | str) and not isinstance(value, bool)
        if is_number
        else isinstance(value, str)
    )
    if not is_fitting:
        raise SettingsError(f"{path}: {name} must be {wanted}")
    return value


def config_option() -> click.Option:
    """Make `--config`, which is read before all others."""
    return click.Option(
        ["--config"],
        type=_FILE,
        metavar="FILE.toml",
        is_eager=True,
        expose_value=True,
        callback=_load_file,
        envvar=f"{PREFIX}CONFIG",
        help="Read settings from this file: port = 3000, cors_origin = ['https://shop.example'], …",
    )


def token_options() -> list[click.Option]:
    """Make the options that `serve` and `token` share."""
    return [
        _setting(
            "--jwt-secret",
            "Verify tokens by this secret (HS256). Better set as SLYSOCK_JWT_SECRET: others can see flags. Without a "
            "secret or a public key, one is made and kept beside the database.",
            metavar="SECRET",
        ),
        _setting(
            "--jwt-public-key",
            "Verify tokens by the public key in this PEM file: RSA (RS256) or P-256 (ES256).",
            kind=_FILE,
            metavar="FILE",
        ),
        _setting(
            "--jwt-jwks-url",
            "Verify tokens by the public keys at this URL (a JSON Web Key Set), which may rotate.",
            metavar="URL",
        ),
        _setting("--jwt-audience", "Take only tokens whose `aud` names this.", metavar="TEXT"),
        _setting("--jwt-issuer", "Take only tokens whose `iss` is this.", metavar="TEXT"),
    ]


def store_option() -> click.Option:
    """Make `--store`."""
    return _setting(
        "--store",
        "Where chats are kept: sqlite:///PATH, with four slashes for an absolute path and its folder made if missing, "
        "or mongodb://HOST/DATABASE.",
        default=DEFAULT_STORE,
        metavar="URL",
    )


def system_option() -> click.Option:
    """Make `--system`."""
    return _setting(
        "--system",
        f"A chat system: {', '.join(SYSTEMS)}. May be repeated; all of them unless one is named.",
        metavar="NAME",
        check=names_of(*SYSTEMS, what="system"),
    )


def path_option() -> click.Option:
    """Make `--path`."""
    return _setting("--path", "Where Socket.IO answers.", default=Config().path, metavar="PATH")


def serve_sections() -> Sections:
    """Make the options of `serve`."""
    return {
        "Where to listen": [
            _setting("--host", "Name or address to listen on; 0.0.0.0 for all.", default="127.0.0.1", metavar="HOST"),
            _setting("--port", "0 takes a free one.", kind=_PORT, default=3000, metavar="PORT"),
            _setting("--unix", "Listen on this Unix socket instead.", kind=_FILE, metavar="PATH"),
            _setting("--certfile", "Serve HTTPS and WSS by this certificate (PEM).", kind=_FILE, metavar="FILE"),
            _setting("--keyfile", "Its key, if not in the same file.", kind=_FILE, metavar="FILE"),
        ],
        "What to serve": [
            store_option(),
            system_option(),
        ],
        "Uploads": [
            _setting(
                "--media-path", "The folder of uploaded files.", kind=_FILE, default=_SYSTEMS.media_path, metavar="PATH"
            ),
            _setting(
                "--max-media-bytes",
                "Largest file taken.",
                kind=click.IntRange(1),
                default=_SYSTEMS.max_media_bytes,
                metavar="BYTES",
            ),
        ],
        "Who may come in": [
            *token_options(),
            _setting(
                "--cors-origin",
                "Let only pages of this origin connect, with their cookies. May be repeated. Without it, or as *, "
                "pages of any origin may, without cookies.",
                metavar="ORIGIN",
                check=names_of(what="origin"),
            ),
            _setting(
                "--trust-user-join/--no-trust-user-join",
                "For closed networks only: the system `services` believes the `user-join` of a client without a token.",
                kind=click.BOOL,
                default=_SYSTEMS.trust_user_join,
            ),
        ],
        "Socket.IO": [
            path_option(),
            _setting(
                "--transport",
                "polling or websocket. May be repeated; both unless one is named.",
                metavar="NAME",
                check=names_of("polling", "websocket", what="transport"),
            ),
            _setting("--parser", "json or msgpack.", kind=click.Choice(["json", "msgpack"]), default=Config().parser),
            _setting(
                "--allow-upgrades/--no-allow-upgrades",
                "Whether polling may become WebSocket.",
                kind=click.BOOL,
                default=Config().allow_upgrades,
            ),
            _limit("ping_interval_seconds", "Time between two heartbeats."),
            _limit("ping_timeout_seconds", "How long a client may take to answer one."),
        ],
        "Limits": [_limit(name, text) for name, text in LIMITS.items()],
        "Other": [
            _setting(
                "--log-level",
                "What to log, on standard error.",
                kind=click.Choice(LOG_LEVELS, case_sensitive=False),
                default="INFO",
            ),
            _setting(
                "--log-format",
                "Lines to read, or one JSON object per line.",
                kind=click.Choice(["text", "json"]),
                default="text",
            ),
            _setting(
                "--metrics/--no-metrics",
                "Whether /metrics answers, in Prometheus' format, to whoever asks.",
                kind=click.BOOL,
                default=True,
            ),
            config_option(),
        ],
    }


LIMITS: Final[Mapping[str, str]] = {
    "max_payload_bytes": "Largest message taken from a client.",
    "max_outbox_bytes": "What may wait for one slow client before it is disconnected.",
    "max_pending_events": "Events of one client that may wait for their handlers.",
    "max_namespaces": "Namespaces that one connection may be in.",
    "max_connections": "Open connections at once.",
    "max_request_head_bytes": "Largest request line and headers.",
    "compression_threshold_bytes": "Smallest polling body that is compressed.",
    "upgrade_timeout_seconds": "How long a change from polling to WebSocket may take.",
    "connect_timeout_seconds": "How long a connection may stay without joining a namespace.",
    "write_timeout_seconds": "How long a connection may take nothing before it is closed.",
    "handler_cleanup_seconds": "What handlers may still do after their client has left.",
    "request_head_seconds": "How long a request line and headers may take.",
    "request_body_seconds": "How long a client may pause within a body.",
    "shutdown_seconds": "How long a graceful stop may take.",
}

SERVE: Final = serve_sections()

KNOWN: Final[Mapping[str, click.Option]] = {
    option.name: option for section in SERVE.values() for option in section if option.name not in (None, "config")
}
"""What may be set in the environment and in the file, by name."""


def refuse_unknown_environment() -> None:
    """Check the process's environment.

    Raises:
        SettingsError: a variable looks like a setting and is none.
    """
    refuse_unknown_variables(os.environ, {*KNOWN, "config"})


class SectionedCommand(click.Command):
    """A command whose help has its options under headings."""

    def __init__(  # type: ignore[explicit-any]  # a callback takes what its options are called
        self,
        name: str,
        sections: Sections,
        *,
        callback: Callable[..., None],
        help_text: str,
    ) -> None:
        options: list[click.Parameter] = [option for section in sections.values() for option in section]
        super().__init__(name, params=options, callback=callback, help=help_text)
        self._sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        for heading, options in self._sections.items():
            rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
            with formatter.section(heading):
                formatter.write_dl(rows)
