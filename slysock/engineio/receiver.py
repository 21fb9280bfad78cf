"""The layer above a session, as the session sees it."""

from typing import Final, Protocol, final

import msgspec

from slysock.ids import DisconnectReason


@final
class ReceiverStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What the layer above holds for one session."""

    waiting_events: int = 0
    """Events that wait for their handlers, or are in one that waits."""

    waiting_bytes: int = 0
    """Their size on the wire."""

    awaited_acks: int = 0
    """Acknowledgements that `call` waits for."""

    left_namespaces: int = 0
    """Namespaces from which late packets may still come."""


class Receiver(Protocol):
    """What a session hands its messages to."""

    @property
    def backlogged(self) -> bool:
        """Whether so much is waiting to be handled that no more should be read."""
        ...

    def text(self, data: bytes) -> None:
        """Take a text message.

        Raises:
            RemoteProtocolError: it breaks the protocol of that layer; the session will be closed.
        """

    def binary(self, data: bytes) -> None:
        """Take a binary message; raises like `text`."""

    def closed(self, reason: DisconnectReason, *, by_client: bool) -> None:
        """End: the session has. Called once, nothing follows.

        Args:
            reason: why.
            by_client: the client has left by itself, so that what has come from it is still to be handled.
        """

    async def wait_ready(self) -> None:
        """Wait until it is no longer backlogged."""

    async def finish(self) -> None:
        """Take no more events and wait until those that came have been handled."""

    def statistics(self) -> ReceiverStatistics:
        """Count what it holds."""
        ...


@final
class Nobody:
    """What is above a closed session, or above one that nobody has claimed yet."""

    backlogged = False

    def text(self, data: bytes) -> None:
        """Forget it."""

    def binary(self, data: bytes) -> None:
        """Forget it."""

    def closed(self, reason: DisconnectReason, *, by_client: bool) -> None:
        """Forget it."""

    async def wait_ready(self) -> None:
        """Return at once."""

    async def finish(self) -> None:
        """Return at once."""

    def statistics(self) -> ReceiverStatistics:
        """Count nothing."""
        return ReceiverStatistics()


NOBODY: Final = Nobody()
