"""What is known of a client from the HTTP requests of Engine.IO, first of all from the one that opened its session."""

from collections.abc import Mapping
from typing import Final, final
from urllib.parse import parse_qsl

import msgspec

_MAX_PARAMETERS: Final = 100


@final
class EngineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request of Engine.IO: the one that opened a session, or for hooks any of its requests."""

    method: str = "GET"
    headers: Mapping[str, str]
    """Names in lower case; a header that came several times is joined by a comma, cookies by a semicolon."""

    query: Mapping[str, str]
    address: str
    """The peer's address as the server sees it; the last proxy's, where there is one. Empty on a Unix socket."""

    secure: bool
    url: str

    @property
    def is_handshake(self) -> bool:
        """Whether the request is to open a session, or would."""
        return not self.query.get("sid")

    @property
    def cross_origin(self) -> bool:
        """Whether a browser page of another origin made the request."""
        origin = self.headers.get("origin")
        if origin is None:
            return False
        host = origin.partition("://")[2]  # none in the origin `null`, which is nobody's
        return not host or host != self.headers.get("host")


def read_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Turn header lines into a mapping. Bytes outside ASCII are read as Latin-1 (RFC 9110, section 5.5)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
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
