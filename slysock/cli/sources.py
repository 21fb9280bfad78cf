"""Where settings come from besides flags: the environment and a TOML file.

A setting has one name: `--ping-timeout-seconds` on the command line, `SLYSOCK_PING_TIMEOUT_SECONDS` in the
environment, `ping_timeout_seconds` in the file. An unknown name is an error, with a guess at what was meant.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from slysock.cli.settings import SettingsError

PREFIX: Final = "SLYSOCK_"

TEST_PREFIX: Final = f"{PREFIX}TEST_"
"""What the project's own tests ask for, by variables that are no settings."""

_SERVICE: Final = re.compile(
    rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""Names under which Kubernetes tells every container of the services `slysock` and `slysock-…`, as Docker's links did.

Source: Kubernetes, "Service", section "Environment variables".
"""

_SERVICE_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://\S+")

FileValue: TypeAlias = str | int | float | bool | list[str]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Guess which known name was meant; return the end of an error's text, empty if nothing comes close."""
    guesses = get_close_matches(name, list(known), n=1)
    return f"; did you mean {guesses[0]}?" if guesses else ""


def refuse_unknown_variables(environ: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse unknown variables whose names begin like ours, but for those of Kubernetes and of our own tests.

    Args:
        environ: the environment.
        known: names of settings, as in the file.

    Raises:
        SettingsError: there is one.
    """
    variables = [PREFIX + name.upper() for name in known]
    for name in environ:
        is_others = name.startswith(TEST_PREFIX) or _SERVICE.fullmatch(name)
        if name.startswith(PREFIX) and name not in variables and not is_others:
            raise SettingsError(f"unknown setting {name}{did_you_mean(name, variables)}")


def is_service_address(variable: str, value: str) -> bool:
    """Tell whether Kubernetes has set a variable that is also a setting's, as in SLYSOCK_PORT=tcp://10.0.0.11:3000."""
    return _SERVICE.fullmatch(variable) is not None and _SERVICE_ADDRESS.fullmatch(value) is not None


def read_file(path: Path, known: Collection[str]) -> dict[str, FileValue]:
    """Read a TOML file of settings, one per key.

    Raises:
        SettingsError: it cannot be read, is not TOML, or has an unknown key or a value that no setting can have.
    """
    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    for name in table:
        if name not in known:
            raise SettingsError(f"{path}: unknown setting {name}{did_you_mean(name, known)}")
    try:
        return msgspec.convert(table, dict[str, FileValue])
    except msgspec.ValidationError:
        raise SettingsError(f"{path}: a setting is a string, a number, true, false, or a list of strings") from None
