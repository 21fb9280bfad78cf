"""The opening handshake of a WebSocket, the server's side.

Source: RFC 6455, section 4.2.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


def is_key(key: bytes) -> bool:
    """Tell whether a Sec-WebSocket-Key is valid: the base64 of 16 bytes."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def first_subprotocol(offered: bytes | None) -> bytes | None:
    """Choose from a Sec-WebSocket-Protocol header: the first, as Node's server does; None if there is none.

    Some clients give up when none of those they offered is chosen, browsers among them (WHATWG WebSockets, "establish
    a WebSocket connection").
    """
    first = b"" if offered is None else offered.partition(b",")[0].strip()
    return first if _TOKEN.fullmatch(first) else None


def switching_protocols(
    key: bytes, subprotocol: bytes | None = None, headers: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    """Build the answer that opens the WebSocket, without extensions.

    Args:
        key: the client's Sec-WebSocket-Key.
        subprotocol: the one that was chosen.
        headers: further headers, which must be valid.
    """
    chosen = b"" if subprotocol is None else b"Sec-WebSocket-Protocol: " + subprotocol + b"\r\n"
    more = b"".join(b"%b: %b\r\n" % header for header in headers)
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + chosen + more + b"\r\n"
    )
