"""The way to a client, as a session sees it."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from slysock.config import TransportName
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode


class Ending(Enum):
    """How a session takes leave of its client."""

    PEER = "peer"
    """The client has left or says that it does."""
    ERROR = "error"
    """The client broke a rule or fell silent: it is told at once, and nothing more is kept for it."""
    GRACEFUL = "graceful"
    """The server ends it: what was sent before still arrives."""


class Transport(Protocol):
    """A way to the client. Calls are plain; none of them waits."""

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """What has not left yet."""
        ...

    def stirred(self) -> bool:
        """Tell whether the client was in the middle of a message since this was last asked: its own, or one of ours.

        Only if bytes have come or gone. Whole messages are no sign of life: who can send them can send a pong.
        """
        ...

    @property
    def has_unread(self) -> bool:
        """Whether bytes have come that nobody has read yet, where one can tell."""
        ...

    async def wait_progress(self) -> None:
        """Wait until something of what waits has been taken, or there is nothing more to wait for."""

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether this would leave at once if it was sent now; volatile events are dropped where it would not."""
        ...

    @property
    def send(self) -> Callable[[Outgoing], None]:
        """Sends, in order; whoever sends much may keep it."""
        ...

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:
        """Take leave and end. Nothing is sent afterwards. Idempotent."""
