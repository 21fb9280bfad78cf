"""What an operator can set, wherever it was written down, and what is made where nothing was.

A setting is known by one name: `--ping-timeout-seconds` on the command line, `SLYSOCK_PING_TIMEOUT_SECONDS` in the
environment, `ping_timeout_seconds` in the file. A name that nobody knows is an error, with a guess at what was meant.
"""

import os
import secrets
import ssl
import tomllib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, final

import msgspec

from slysock.identity import BadKey, KeySource, RemoteKeys, public_key, secret_key

DEFAULT_STORE: Final = "sqlite:///var/slysock.db"
PREFIX: Final = "SLYSOCK_"
FALLBACK_SECRET_FILE: Final = Path("var/slysock.jwt-secret")
"""Where a made secret is kept when the store is not a file."""

SECRET_BYTES: Final = 32
PRIVATE_MODE: Final = 0o600
OTHERS_MAY: Final = 0o077

S = TypeVar("S", bound=msgspec.Struct)

FileValue: TypeAlias = str | int | float | bool | list[str]


class SettingsError(Exception):
    """A setting that cannot be used; the text is one line for whoever wrote it."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


@final
class Secret(msgspec.Struct, frozen=True):
    """A secret and where it came from; `file` is None for one that was set."""

    text: str
    file: Path | None
    is_new: bool = False

    def __repr__(self) -> str:
        return f"Secret(file={self.file!r})"

    __str__ = __repr__


@final
class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are signed; shared by `serve` and `token`, so that the one takes what the other makes."""

    store: str = DEFAULT_STORE
    jwt_secret: str | None = None
    jwt_public_key: Path | None = None
    jwt_jwks_url: str | None = None
    jwt_audience: str | None = None
    jwt_issuer: str | None = None

    def __post_init__(self) -> None:
        """Refuse two answers to the question whose signature counts."""
        if sum(key is not None for key in (self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url)) > 1:
            raise SettingsError("choose one of --jwt-secret, --jwt-public-key and --jwt-jwks-url")
        if self.jwt_jwks_url is not None and not self.jwt_jwks_url.startswith(("https://", "http://")):
            raise SettingsError("--jwt-jwks-url must begin with https:// or http://")

    @property
    def is_asymmetric(self) -> bool:
        """Whether tokens are verified by public keys, so that there is no secret."""
        return self.jwt_public_key is not None or self.jwt_jwks_url is not None


@final
class ListenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server can be reached."""

    host: str = "127.0.0.1"
    port: int = 3000
    unix: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None


def choose(kind: type[S], values: Mapping[str, object]) -> S:
    """Make a struct of those values that it has fields for; None leaves a field at its default.

    Raises:
        SettingsError: a value that the struct refuses.
    """
    given = {name: values[name] for name in kind.__struct_fields__ if values.get(name) is not None}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from None


# -- names -----------------------------------------------------------------------------------------------------------


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Guess which known name was meant, as the end of an error's text; empty without a guess."""
    guesses = get_close_matches(name, list(known), n=1)
    return f"; did you mean {guesses[0]}?" if guesses else ""


def refuse_unknown_variables(environ: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse variables that look like ours and are not.

    Args:
        environ: the environment.
        known: names of settings, as in the file.

    Raises:
        SettingsError: there is one.
    """
    variables = [PREFIX + name.upper() for name in known]
    for name in environ:
        if name.startswith(PREFIX) and name not in variables:
            raise SettingsError(f"the environment variable {name} is no setting{did_you_mean(name, variables)}")


def read_file(path: Path, known: Collection[str]) -> dict[str, FileValue]:
    """Read a TOML file of settings, one per key.

    Raises:
        SettingsError: it cannot be read, is no TOML, or has a key or a kind of value that is no setting.
    """
    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    for name in table:
        if name not in known:
            raise SettingsError(f"{path}: {name} is no setting{did_you_mean(name, known)}")
    try:
        return msgspec.convert(table, dict[str, FileValue])
    except msgspec.ValidationError:
        raise SettingsError(f"{path}: a setting is a text, a number, true, false, or a list of texts") from None


# -- what is read from elsewhere -----------------------------------------------------------------------------------


def database_file(store: str) -> Path | None:
    """Say which file a store's URL names; None for one that is not a file."""
    path = store.removeprefix("sqlite:///")
    return Path(path) if path != store and path not in ("", ":memory:") else None


def make_folder(file: Path) -> None:
    """Make the folder of a file where there is none.

    Raises:
        SettingsError: it cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {file.parent}: {error.strerror}") from error


def secret_file(store: str) -> Path:
    """Say where the secret of a store is kept that nobody has set: beside the database."""
    database = database_file(store)
    return FALLBACK_SECRET_FILE if database is None else database.with_name(f"{database.name}.jwt-secret")


def find_secret(settings: TokenSettings) -> Secret:
    """Give the secret that was set, else the one that is kept, else make one and keep it.

    Raises:
        SettingsError: it cannot be read or kept.
    """
    if settings.jwt_secret is not None:
        return Secret(settings.jwt_secret, None)
    file = secret_file(settings.store)
    make_folder(file)
    try:
        return _kept_secret(file) or _keep_new_secret(file)
    except OSError as error:
        raise SettingsError(f"cannot keep a JWT secret in {file}: {error.strerror}; set one by --jwt-secret") from error


def _kept_secret(file: Path) -> Secret | None:
    try:
        text = file.read_text(encoding="ascii").strip()
        mode = file.stat().st_mode
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text, mode = "", 0
    if not text:
        raise SettingsError(f"{file} holds no secret; remove it and a new one is made")
    if mode & OTHERS_MAY:
        raise SettingsError(f"others may read the JWT secret in {file}: chmod 600 it, or remove it if they have")
    return Secret(text, file)


def _keep_new_secret(file: Path) -> Secret:
    """Make a secret. The file appears whole or not at all, and where two make one at once, both take the first."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    text = secrets.token_urlsafe(SECRET_BYTES)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(f"{text}\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
            return Secret(text, file, is_new=True)
    finally:
        draft.unlink(missing_ok=True)
    kept = _kept_secret(file)
    if kept is None:
        raise SettingsError(f"{file} was removed while it was being read")
    return kept


def load_key(settings: TokenSettings, secret: Secret | None) -> KeySource:
    """Load what tokens are verified by: the public key, those of a URL, which is not asked yet, or the secret.

    Raises:
        SettingsError: it cannot be read, or is none.
    """
    try:
        if settings.jwt_public_key is not None:
            return public_key(settings.jwt_public_key.read_bytes())
        if settings.jwt_jwks_url is not None:
            return RemoteKeys(settings.jwt_jwks_url)
        assert secret is not None, "without a public key there is always a secret"
        return secret_key(secret.text)
    except BadKey as error:
        where = settings.jwt_public_key or "--jwt-secret"
        raise SettingsError(f"{where}: {error}") from error
    except OSError as error:
        raise SettingsError(f"cannot read {settings.jwt_public_key}: {error.strerror}") from error


def load_tls(certfile: Path | None, keyfile: Path | None) -> ssl.SSLContext | None:
    """Load a certificate and its key; None without one.

    Raises:
        SettingsError: one of the two is missing or cannot be used.
    """
    if certfile is None:
        if keyfile is not None:
            raise SettingsError("--keyfile needs --certfile")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certfile, keyfile, password=lambda: "")  # a key with a password must not ask for it
    except ssl.SSLError as error:
        raise SettingsError(f"{certfile} and its key cannot be used: {error.reason or error}") from error
    except OSError as error:
        raise SettingsError(f"cannot read {certfile} or its key: {error.strerror}") from error
    return context
