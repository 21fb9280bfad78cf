"""The opening handshake of a WebSocket, the server's side.

Source: RFC 6455, section 4.2.
"""

import base64
import binascii
import hashlib
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def is_key(key: bytes) -> bool:
    """Tell whether a Sec-WebSocket-Key is one: the base64 of 16 bytes."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def switching_protocols(key: bytes) -> bytes:
    """Build the answer that opens the WebSocket: no subprotocol, no extensions."""
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
