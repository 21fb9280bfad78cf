"""Engine.IO v4, Socket.IO v5 and the WebSocket framing they need: bytes in, values out.

No clock, no sockets, no logging, no concurrency. Whatever bytes come in, decoding returns a value or raises
RemoteProtocolError; encoding raises LocalProtocolError for what peers would choke on.
"""

from .errors import LocalProtocolError, ProtocolError, RemoteProtocolError

__all__ = ["LocalProtocolError", "ProtocolError", "RemoteProtocolError"]
