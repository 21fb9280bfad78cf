"""What an operator can set, and how it is checked. The limits of a server are in `Config`.

A field becomes an option of the same name (see `options`), with the field's type, its default and the text under it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar, final

import msgspec
from msgspec import Meta

from slysock.config import Config
from slysock.http.listeners import read_address
from slysock.systems import SYSTEMS
from slysock.systems.settings import SystemSettings

DEFAULT_STORE: Final = "sqlite:///var/slysock.db"

LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat: TypeAlias = Literal["text", "json"]

S = TypeVar("S", bound=msgspec.Struct)


class SettingsError(Exception):
    """A setting that cannot be used; the text is one line for whoever wrote it."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


@final
class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are signed; shared by `serve` and `token`, so that one accepts what the other makes."""

    store: str = DEFAULT_STORE
    """Where chats are kept: sqlite:///PATH (four slashes for an absolute path; a missing folder is created) or
    mongodb://HOST/DATABASE."""

    jwt_secret: str | None = None
    """Verify tokens with this secret (HS256). Better set as SLYSOCK_JWT_SECRET: others can see flags. Without a secret
    or a public key, a secret is made and kept beside the database."""

    jwt_old_secret: str | None = None
    """Verify tokens by this secret, too: the one before, until the tokens that it signed have ended."""

    jwt_public_key: Path | None = None
    """Verify tokens with the public key in this PEM file: RSA (RS256) or P-256 (ES256)."""

    jwt_jwks_url: str | None = None
    """Verify tokens with the public keys at this URL (a JSON Web Key Set), which may rotate."""

    jwt_audience: str | None = None
    """Accept only tokens whose `aud` names this."""

    jwt_issuer: str | None = None
    """Accept only tokens whose `iss` is this."""

    def __post_init__(self) -> None:
        """Refuse more than one key, and a URL that is not HTTP.

        Raises:
            SettingsError: either of them.
        """
        if sum(key is not None for key in (self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url)) > 1:
            raise SettingsError("choose one of --jwt-secret, --jwt-public-key and --jwt-jwks-url")
        if self.jwt_old_secret is not None and self.is_asymmetric:
            raise SettingsError("--jwt-old-secret is for tokens that are verified by a secret, not by public keys")
        if self.jwt_jwks_url is not None and not self.jwt_jwks_url.startswith(("https://", "http://")):
            raise SettingsError("--jwt-jwks-url must begin with https:// or http://")

    @property
    def is_asymmetric(self) -> bool:
        """Whether tokens are verified by public keys, so that there is no secret."""
        return self.jwt_public_key is not None or self.jwt_jwks_url is not None


@final
class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a server opens its store; which one is in `TokenSettings`."""

    store_wait: Annotated[int, Meta(ge=0)] = 15
    """Seconds to wait for another server that has the database file open, as in restarts that overlap."""


@final
class ListenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server can be reached."""

    host: str = "127.0.0.1"
    """Name or address to listen on; 0.0.0.0 for all of IPv4, :: for all of both families."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 3000
    """Port to listen on; 0 for a free one."""

    unix: Path | None = None
    """Listen on this Unix socket instead."""

    internal: str | None = None
    """Answer /metrics, /healthz and /readyz at this address, or this path of a Unix socket, and nowhere else:
    127.0.0.1:9000."""

    certfile: Path | None = None
    """Serve HTTPS and WSS with this certificate (PEM)."""

    keyfile: Path | None = None
    """The key of the certificate, if it is not in the same file."""

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        try:
            if self.internal is not None:
                read_address(self.internal)
        except ValueError as error:
            raise SettingsError(f"--internal: {error}") from None


@final
class WatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a server can be watched."""

    log_level: LogLevel = "INFO"
    """Log records of this level and above, on standard error."""

    log_format: LogFormat = "text"
    """Lines of text, or one JSON object per line."""

    metrics: bool = True
    """Serve /metrics, in Prometheus's format, to whoever asks."""


@final
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `slysock serve` needs to know."""

    config: Config
    tokens: TokenSettings
    store: StoreSettings
    listen: ListenSettings
    watch: WatchSettings
    systems: tuple[str, ...]
    """Names, as `loading` takes them."""

    systems_settings: SystemSettings


def read_settings(values: Mapping[str, object]) -> Settings:
    """Turn the values of the options of `slysock serve` into settings.

    Raises:
        SettingsError: values that cannot be used, alone or together.
    """
    lists = {
        "transports": values["transport"] or None,
        "cors_origins": _origins(values["cors_origin"]),
        "allowed_hosts": values["allowed_host"] or None,
        "trusted_proxies": values["trusted_proxy"] or None,
    }
    return Settings(
        config=choose(Config, {**values, **lists}),
        tokens=choose(TokenSettings, values),
        store=choose(StoreSettings, values),
        listen=choose(ListenSettings, values),
        watch=choose(WatchSettings, values),
        systems=chosen_systems(values),
        systems_settings=choose(SystemSettings, values),
    )


def chosen_systems(values: Mapping[str, object]) -> tuple[str, ...]:
    """Return the systems that were named, or else all of SYSTEMS."""
    return msgspec.convert(values["system"] or tuple(SYSTEMS), tuple[str, ...])


def choose(kind: type[S], values: Mapping[str, object]) -> S:
    """Make a struct from those values that it has fields for; None leaves a field at its default.

    Raises:
        SettingsError: a value that the struct refuses.
    """
    given = {name: values[name] for name in kind.__struct_fields__ if values.get(name) is not None}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from None


def _origins(values: object) -> tuple[str, ...] | None:
    """Return the origins; None for `*`, which means any origin.

    Raises:
        SettingsError: `*` stands beside others.
    """
    origins = msgspec.convert(values or (), tuple[str, ...])
    if "*" in origins and len(origins) > 1:
        raise SettingsError(
            "--cors-origin is either * or a list of origins: a page's cookies count for listed ones only"
        )
    return None if origins in ((), ("*",)) else origins
