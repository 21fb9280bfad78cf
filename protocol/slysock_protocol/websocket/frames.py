"""WebSocket frames that a server sends: final, unfragmented, unmasked.

Source: RFC 6455, section 5.2 "Base Framing Protocol"; section 5.1: "A server MUST NOT mask any frames that it sends to
the client", which is what lets one framed buffer serve every client.
"""

from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

MAX_CONTROL_BYTES: Final = 125

_FINAL: Final = 0x80


def text_frame(payload: bytes) -> bytes:
    """Frame UTF-8 text as one message."""
    size = len(payload)
    return (_SHORT_TEXT[size] if size < 126 else _header(TEXT, size)) + payload


def binary_frame(payload: bytes) -> bytes:
    """Frame binary data as one message."""
    return _header(BINARY, len(payload)) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Frame a goodbye. The reason is cut to what a control frame holds (RFC 6455, section 5.5.1)."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return goodbye_frame(code.to_bytes(2, "big") + text)


def goodbye_frame(payload: bytes) -> bytes:
    """Frame the payload of a goodbye, at most 125 bytes: nothing, or a code in two bytes and a reason."""
    return _header(CLOSE, len(payload)) + payload


def _header(opcode: int, length: int) -> bytes:
    if length < 126:
        return bytes((_FINAL | opcode, length))
    if length < 65536:
        return bytes((_FINAL | opcode, 126)) + length.to_bytes(2, "big")
    return bytes((_FINAL | opcode, 127)) + length.to_bytes(8, "big")


_SHORT_TEXT: Final = tuple(_header(TEXT, size) for size in range(126))  # made once: most messages are short
