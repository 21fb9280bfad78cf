"""Engine.IO without Socket.IO: every message goes back to its sender, text as text and binary as binary."""

from typing import final

from slysock.engineio.receiver import ReceiverStatistics
from slysock.engineio.session import Session
from slysock.ids import DisconnectReason
from slysock_protocol.engineio import Outgoing


@final
class Echo:
    """The layer above one session; see slysock.engineio.receiver.Receiver."""

    backlogged = False

    def __init__(self, session: Session) -> None:
        self._session = session

    def text(self, data: bytes) -> None:
        """Send a text message back."""
        self._session.send(Outgoing(b"4" + data))

    def binary(self, data: bytes) -> None:
        """Send a binary message back."""
        self._session.send(Outgoing(None, (data,)))

    def closed(self, reason: DisconnectReason, *, by_client: bool) -> None:
        """Do nothing: a session leaves nothing behind."""

    async def wait_ready(self) -> None:
        """Return at once: nothing ever waits."""

    async def finish(self) -> None:
        """Return at once: every message has been answered when it came."""

    def statistics(self) -> ReceiverStatistics:
        """Count nothing: nothing ever waits."""
        return ReceiverStatistics()
