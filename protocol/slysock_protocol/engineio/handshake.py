"""The open packet, and the errors that refuse a request before there is a session.

Source: Engine.IO protocol v4, "Handshake"; error bodies as Node's engine.io (lib/server.ts, Server.errors) sends them.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from .packets import Outgoing

PROTOCOL_VERSION: Final = "4"


class HandshakeError(Enum):
    """Why a request was refused: Engine.IO's code and message."""

    UNKNOWN_TRANSPORT = (0, "Transport unknown")
    UNKNOWN_SESSION = (1, "Session ID unknown")
    BAD_METHOD = (2, "Bad handshake method")
    BAD_REQUEST = (3, "Bad request")
    FORBIDDEN = (4, "Forbidden")
    UNSUPPORTED_VERSION = (5, "Unsupported protocol version")

    @property
    def code(self) -> int:
        """Engine.IO's number for the error."""
        return self.value[0]

    @property
    def message(self) -> str:
        """The text of the error, for clients."""
        return self.value[1]

    @property
    def body(self) -> bytes:
        """The JSON that the client gets."""
        return self.body_saying(self.message)

    def body_saying(self, message: str) -> bytes:
        """Build the JSON with another message, as Node's server sends that of `allowRequest`."""
        return msgspec.json.encode({"code": self.code, "message": message})


def open_packet(
    session_id: str,
    *,
    upgrades: Sequence[str],
    ping_interval_seconds: float,
    ping_timeout_seconds: float,
    max_payload_bytes: int,
) -> Outgoing:
    """Build the first packet of a session. Clients expect exactly these keys, durations in whole milliseconds."""
    handshake = {
        "sid": session_id,
        "upgrades": upgrades,
        "pingInterval": round(ping_interval_seconds * 1000),
        "pingTimeout": round(ping_timeout_seconds * 1000),
        "maxPayload": max_payload_bytes,
    }
    return Outgoing(b"0" + msgspec.json.encode(handshake))
