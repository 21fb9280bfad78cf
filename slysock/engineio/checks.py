"""What an Engine.IO request says of itself, and whether it may be answered.

Source: Engine.IO protocol v4, "Handshake" and "Transports"; the order of the checks is that of Node's engine.io 6
(lib/server.ts).
"""

from collections.abc import Callable
from typing import final

import msgspec

from slysock.config import Config, TransportName
from slysock.http.head import Head
from slysock.request import read_query
from slysock_protocol.engineio import PROTOCOL_VERSION, HandshakeError
from slysock_protocol.websocket import is_key


@final
class Query(msgspec.Struct, frozen=True):
    """The parameters that Engine.IO looks at.

    Attributes:
        parameters: all of them.
        sid: the session that the request is for; None opens one.
    """

    parameters: dict[str, str]
    transport: TransportName
    sid: str | None


def check_request(request: Head, config: Config, is_known: Callable[[str], bool]) -> Query | HandshakeError:
    """Read the query, or say what is wrong with the request.

    Args:
        request: one whose path is Engine.IO's.
        config: which transports there are.
        is_known: whether a session id is one of ours.
    """
    try:
        parameters = read_query(request.query_string)
    except ValueError:
        return HandshakeError.BAD_REQUEST
    transport = _transport(parameters.get("transport"), config)
    if transport is None:
        return HandshakeError.UNKNOWN_TRANSPORT
    sid = parameters.get("sid") or None  # clients that have none yet may say so with an empty one
    if sid is not None and not is_known(sid):
        return HandshakeError.UNKNOWN_SESSION
    if sid is None and request.method != "GET":
        return HandshakeError.BAD_METHOD
    if not _fits(request, transport):
        return HandshakeError.BAD_REQUEST
    if parameters.get("EIO") != PROTOCOL_VERSION:
        return HandshakeError.UNSUPPORTED_VERSION
    return Query(parameters, transport, sid)


def _transport(name: str | None, config: Config) -> TransportName | None:
    return next((transport for transport in config.transports if transport == name), None)


def _fits(request: Head, transport: TransportName) -> bool:
    """Tell whether a request is of the kind that its transport needs (WebSocket: RFC 6455, section 4.2.1)."""
    if transport == "polling":
        return request.upgrade != "websocket"
    return (
        request.upgrade == "websocket"
        and request.method == "GET"
        and request.header(b"sec-websocket-version") == b"13"
        and is_key(request.header(b"sec-websocket-key") or b"")
    )
