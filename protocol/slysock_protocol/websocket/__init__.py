"""WebSocket framing: server frames out, the fast lane's client frames in (RFC 6455)."""

from .frames import binary_frame, text_frame
from .lane import FrameReader, Item, Kind, unmask

__all__ = ["FrameReader", "Item", "Kind", "binary_frame", "text_frame", "unmask"]
