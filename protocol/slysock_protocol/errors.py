"""Protocol errors, by whose doing they are.

ProtocolError
├── LocalProtocolError   we, or our user, asked for something that peers would choke on; nothing was sent
└── RemoteProtocolError  the peer broke the protocol; `reason` is short, safe to log and to show to that peer
"""

from enum import IntEnum
from typing import final


class CloseCode(IntEnum):
    """WebSocket close codes that a server sends (RFC 6455, section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NOT_UTF8 = 1007
    POLICY = 1008
    TOO_BIG = 1009


class ProtocolError(Exception):
    """Base of the two; raised only as one of them."""


@final
class LocalProtocolError(ProtocolError):
    """Refused before a byte was sent: the caller's mistake."""


@final
class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow. The connection that it came from must be closed.

    Attributes:
        reason: what was wrong, without any of the peer's data.
        close_code: what a WebSocket is closed with.
    """

    def __init__(self, reason: str, close_code: CloseCode = CloseCode.PROTOCOL_ERROR) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code

    @property
    def close_text(self) -> str:
        """The text of a WebSocket's close frame, beside the code; empty if a message was too big.

        Node's server closes the same way (ws, lib/receiver.js), and clients may compare the text.
        """
        return "" if self.close_code is CloseCode.TOO_BIG else self.reason
