"""WebSocket framing: the opening handshake, the frames of a server, the fast lane for those of a client (RFC 6455)."""

from .frame_reader import FrameReader, Item, Kind, unmask
from .frames import binary_frame, close_frame, goodbye_frame, text_frame
from .goodbye import read_goodbye
from .handshake import first_subprotocol, is_key, switching_protocols

__all__ = [
    "FrameReader",
    "Item",
    "Kind",
    "binary_frame",
    "close_frame",
    "first_subprotocol",
    "goodbye_frame",
    "is_key",
    "read_goodbye",
    "switching_protocols",
    "text_frame",
    "unmask",
]
