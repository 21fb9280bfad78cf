"""A client's ordinary goodbye: the one cold frame that nearly every connection has.

Source: RFC 6455, sections 5.5.1 (Close) and 7.4 (status codes).
"""

from typing import Final

from slysock_protocol.websocket.frame_reader import unmask
from slysock_protocol.websocket.frames import CLOSE, MAX_CONTROL_BYTES

_FINAL_CLOSE: Final = 0x80 | CLOSE
_MASKED: Final = 0x80
_HEAD: Final = 6  # bytes: two, and the mask
_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
"""Those that may be sent: the registered ones, and those of libraries and applications."""


def read_goodbye(cold: bytes) -> bytes | None:
    """Recognise a close frame that is complete and in order, and return the payload that answers it.

    None: it is something else, or not in order; a complete WebSocket implementation has to see to it.
    """
    if len(cold) < _HEAD or cold[0] != _FINAL_CLOSE or len(cold) != _HEAD + cold[1] - _MASKED:
        return None
    payload = unmask(cold[_HEAD:], cold[2:_HEAD])
    if not payload:
        return payload
    if len(payload) > MAX_CONTROL_BYTES or int.from_bytes(payload[:2]) not in _CODES or len(payload) == 1:
        return None
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        return None
    return payload[:2]
