"""The keys that secure tokens and connections: read from where the settings say; a missing secret is made and kept."""

import os
import secrets
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec

from slysock.cli.settings import SettingsError, TokenSettings
from slysock.identity import BadKey, KeySource, RemoteKeys, public_key, secret_key

FALLBACK_SECRET_FILE: Final = Path("var/slysock.jwt-secret")
"""Where a made secret is kept when the store is not a file."""

SECRET_BYTES: Final = 32
PRIVATE_MODE: Final = 0o600
OTHERS_MAY: Final = 0o077


@final
class Secret(msgspec.Struct, frozen=True):
    """A secret and where it came from; `file` is None for one that was set."""

    text: str
    file: Path | None
    is_new: bool = False

    def __repr__(self) -> str:
        return f"Secret(file={self.file!r})"

    __str__ = __repr__


def database_file(store: str) -> Path | None:
    """Return the file that a store's URL names; None for a store that is not a file."""
    path = store.removeprefix("sqlite:///")
    return Path(path) if path != store and path not in ("", ":memory:") else None


def make_folder(file: Path) -> None:
    """Make the folder of a file, unless it exists.

    Raises:
        SettingsError: it cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot create the folder {file.parent}: {error.strerror}") from error


def secret_file(store: str) -> Path:
    """Return the file that keeps the secret if none has been set: beside the database."""
    database = database_file(store)
    return FALLBACK_SECRET_FILE if database is None else database.with_name(f"{database.name}.jwt-secret")


def find_secret(settings: TokenSettings) -> Secret:
    """Return the secret that was set, or else the one that is kept; make and keep one if there is neither.

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
        raise SettingsError(f"cannot keep a JWT secret in {file}: {error.strerror}; use --jwt-secret") from error


def _kept_secret(file: Path) -> Secret | None:
    try:
        text = file.read_text(encoding="ascii").strip()
        mode = file.stat().st_mode
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text, mode = "", 0
    if not text:
        raise SettingsError(f"there is no secret in {file}; remove the file, and a new one is made")
    if mode & OTHERS_MAY:
        raise SettingsError(f"others can read the JWT secret in {file}: chmod 600 it, or remove it if they have")
    return Secret(text, file)


def _keep_new_secret(file: Path) -> Secret:
    """Make a secret. The file appears whole or not at all; if two processes make one at once, both take the first."""
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
    """Load what verifies tokens: a public key, the keys at a URL (not fetched yet), or the secret.

    Raises:
        SettingsError: it cannot be read, or is not a key.
    """
    try:
        if settings.jwt_public_key is not None:
            return public_key(settings.jwt_public_key.read_bytes())
        if settings.jwt_jwks_url is not None:
            return RemoteKeys(settings.jwt_jwks_url)
        assert secret is not None, "without a public key there is always a secret"
        older = () if settings.jwt_old_secret is None else (settings.jwt_old_secret,)
        return secret_key(secret.text, *older)
    except BadKey as error:
        where = settings.jwt_public_key or "--jwt-secret or --jwt-old-secret"
        raise SettingsError(f"{where}: {error}") from error
    except OSError as error:
        raise SettingsError(f"cannot read {settings.jwt_public_key}: {error.strerror}") from error


def load_tls(certfile: Path | None, keyfile: Path | None) -> ssl.SSLContext | None:
    """Load a certificate and its key; return None if there is no certificate.

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
