"""What is known of a client from the HTTP requests of Engine.IO, first of all from the one that opened its session."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, final
from urllib.parse import parse_qsl

import msgspec

logger = logging.getLogger("slysock")

OriginCheck: TypeAlias = Callable[[str], bool]
"""Says of an origin as browsers write it, `https://shop.example`, whether its pages may."""

NULL: Final = "null"
"""The origin of pages without one, such as files. Any page can have it, by a sandboxed frame."""

_MAX_PARAMETERS: Final = 100
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}
_LABELS: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@final
class EngineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request of Engine.IO: the one that opened a session, or for hooks any of its requests."""

    method: str = "GET"
    headers: Mapping[str, str]
    """Names in lower case; a header that came several times is joined by a comma, cookies by a semicolon."""

    query: Mapping[str, str]
    address: str
    """The client's address, as a trusted proxy says or as the server sees it. Empty on a Unix socket."""

    secure: bool
    url: str

    @property
    def is_handshake(self) -> bool:
        """Whether the request is to open a session, or would."""
        return not self.query.get("sid")

    @property
    def cross_origin(self) -> bool:
        """Whether a browser page of another origin made the request."""
        return is_cross_origin(self.headers)


def is_cross_origin(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser page of another origin made the request with these headers, named in lower case."""
    origin = headers.get("origin")
    return origin is not None and not is_same_host(origin, headers.get("host", ""))


def is_same_host(origin: str, host: str) -> bool:
    """Tell whether an origin is on the host that a request names.

    Hosts and ports are compared, where none is the default one of the origin's scheme; not schemes, as a proxy may
    have taken TLS off.
    """
    scheme, named = _split(origin)
    return bool(named) and named == _without_default_port(scheme, host.lower())  # `null` names none, and is nobody's


def _split(origin: str) -> tuple[str, str]:
    scheme, _, host = origin.lower().removesuffix("/").partition("://")
    return scheme, _without_default_port(scheme, host)


def _without_default_port(scheme: str, host: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS.get(scheme, ":"))


@final
class Origins:
    """A list of origins: `https://shop.example`, `https://*.shop.example` for all names below it, `null`.

    Args:
        listed: them.
        check: asked of those that are not listed.
    """

    def __init__(self, listed: Sequence[str], check: OriginCheck | None = None) -> None:
        split = [_split(origin) for origin in listed]
        self._exact = frozenset(each for each in split if not each[1].startswith("*."))
        self._below = [(scheme, host.removeprefix("*")) for scheme, host in split if host.startswith("*.")]
        self._check = check

    def __contains__(self, origin: str) -> bool:
        """Tell whether pages of an origin are meant."""
        scheme, host = split = _split(origin)
        return (
            split in self._exact
            or any(scheme == known and _is_below(host, suffix) for known, suffix in self._below)
            or self._is_approved(origin)
        )

    def may_use_cookies(self, origin: str) -> bool:
        """Tell whether cookies count that come with a page's request: not those of `null`, which any page can be."""
        return origin != NULL and origin in self

    def _is_approved(self, origin: str) -> bool:
        try:
            return self._check is not None and self._check(origin) is True
        except Exception:  # the boundary to somebody else's function
            logger.exception("the check of an origin failed, which is refused")
            return False


def _is_below(host: str, suffix: str) -> bool:
    return host.endswith(suffix) and _LABELS.fullmatch(host.removesuffix(suffix)) is not None


def read_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Turn header lines, named in lower case, into a mapping.

    Bytes outside ASCII are read as Latin-1 (RFC 9110, section 5.5).
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def read_query(query: bytes) -> dict[str, str]:
    """Turn a query string into a mapping; of a repeated name the last counts.

    Raises:
        ValueError: more parameters than any client sends.
    """
    text = query.decode("latin-1")
    if "%" in text or "+" in text or text.count("&") >= _MAX_PARAMETERS:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS))
    # Nothing to decode, as in what clients send with each poll: a quarter of the time.
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    return {name: value for name, _, value in pairs}


@final
class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """How a client introduced itself to a namespace: `socket.handshake`."""

    auth: Mapping[str, object]
    """What the client gave as `auth`; an empty object where it gave nothing. Not checked by anyone yet."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    address: str
    secure: bool
    cross_origin: bool
    url: str
    issued: float
    """When, in seconds of `time.time()`."""
