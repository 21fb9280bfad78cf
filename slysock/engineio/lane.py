"""The fast lane of a WebSocket: hot messages go straight to their owner, cold bytes to whoever asks for them.

Hot are data frames within limits, which make messages; see slysock_protocol.websocket.frame_reader.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias, final

from slysock.engineio.reading import SocketSource, Source
from slysock.engineio.transport import Transport
from slysock_protocol import RemoteProtocolError
from slysock_protocol.websocket import FrameReader, Item, Kind

Loss: TypeAlias = Literal["transport close", "transport error", "slow consumer"]


class Owner(Protocol):
    """Whom the messages of a WebSocket are for: a session, or the probe of an upgrade."""

    @property
    def backlogged(self) -> bool:
        """Whether no more should be read for now."""
        ...

    def receive_text(self, data: bytes) -> None:
        """Take a text message."""

    def receive_binary(self, data: bytes) -> None:
        """Take a binary message."""

    def fail(self, error: RemoteProtocolError) -> None:
        """Close the transport: the client broke the protocol."""

    def lose(self, transport: Transport, reason: Loss) -> None:
        """End: the WebSocket has, by the client or by a failure."""

    async def wait_ready(self) -> None:
        """Wait until reading may go on."""


@final
class NoOwner:
    """Owns a WebSocket that nobody wants, or not yet: what comes is forgotten."""

    backlogged = False

    def receive_text(self, data: bytes) -> None:
        """Forget a message."""

    def receive_binary(self, data: bytes) -> None:
        """Forget a message."""

    def fail(self, error: RemoteProtocolError) -> None:
        """Do nothing: it will be closed."""

    def lose(self, transport: Transport, reason: Loss) -> None:
        """Do nothing: it was nobody's."""

    async def wait_ready(self) -> None:
        """Return at once."""


NO_OWNER: Final = NoOwner()


@final
class Lane:
    """Takes hot messages to their owner, and cold bytes to whoever asks for them.

    Attributes:
        owner: whom the messages are for.
        heard_part: a part of a message has come; for whoever sets it to False.
    """

    __slots__ = ("_ended", "_items", "_reader", "_source", "heard_part", "owner")

    def __init__(self, source: Source, behind: bytes, max_message_bytes: int) -> None:
        self.owner: Owner = NO_OWNER
        self._source = source
        self._reader = FrameReader(max_message_bytes)
        self._items: deque[Item] | None = deque(self._reader.feed(behind)) if behind else None
        self.heard_part = False
        self._ended = False

    async def next_cold(self) -> bytes:
        """Hand hot messages to the owner until there is something cold, and return that; b"" at the end.

        Raises:
            trio.BrokenResourceError: the connection failed.
        """
        while (cold := await self.catch_up()) is None:
            await self._source.read(self._take)
        return cold

    async def catch_up(self) -> bytes | None:
        """Do the same with what has been read already; None when that is used up."""
        while True:
            while self.owner.backlogged:  # another one, maybe, after an upgrade
                await self.owner.wait_ready()
            items, self._items = self._items, None
            if not items:
                if self._reader.error is not None:
                    self.owner.fail(self._reader.error)  # what came before it has been handled
                return b"" if self._is_over else None
            if items[0].kind is Kind.COLD:
                self._items = items
                return items.popleft().data
            self._deliver(list(items))

    @property
    def _is_over(self) -> bool:
        """Whether the client has left, or sends nothing more behind a goodbye that has been passed on."""
        return self._ended or self._reader.goodbye

    # -- without a task ----------------------------------------------------------------------------------------------

    def start(self, ready: Callable[[], object], behind: bytes = b"") -> None:
        """Take what comes without a task; call `ready` when there is something to see to. Raises like `next_cold`."""
        assert isinstance(self._source, SocketSource)
        self._source.start(self._take, ready)
        if behind:
            self._source.feed(behind)

    def stop(self) -> None:
        """Take nothing more. Idempotent."""
        if isinstance(self._source, SocketSource):
            self._source.stop()

    def last_words(self) -> bytes | None:
        """Return the close frame that the client ends with, b"" where it has just gone.

        None where there is more to see to, which takes a task.
        """
        if self._reader.error is not None or self.owner.backlogged:
            return None
        if not self._items:
            return b"" if self._ended or self.failed else None
        return self._items[0].data if len(self._items) == 1 and self._items[0].kind is Kind.COLD else None

    @property
    def failed(self) -> bool:
        """Whether the connection has failed, which has not been raised yet."""
        return isinstance(self._source, SocketSource) and self._source.failed

    # -- what is read ------------------------------------------------------------------------------------------------

    @property
    def has_unread(self) -> bool:
        """Whether something has come that nobody has read yet, where one can tell."""
        return self._source.has_unread

    def _take(self, data: bytes) -> bool:
        """Take what was read; False when the connection's own task has to see to something."""
        text = self._reader.one_text(data)
        if text is not None:
            self.owner.receive_text(text)
            return not self.owner.backlogged  # of another owner, maybe: an upgrade hands over
        if not data:
            self._ended = True
            return False
        items = self._reader.feed(data)
        self.heard_part = self.heard_part or self._reader.in_message
        return self._deliver(items) and not self._reader.goodbye

    def _deliver(self, items: list[Item]) -> bool:
        """Hand items to the owner; False if some had to be kept."""
        owner = self.owner
        for index, item in enumerate(items):
            if item.kind is Kind.TEXT:
                owner.receive_text(item.data)
            elif item.kind is Kind.BINARY:
                owner.receive_binary(item.data)
            else:
                self._items = deque(items[index:])
                return False
            owner = self.owner  # an upgrade hands over in the middle
            if owner.backlogged:
                self._items = deque(items[index + 1 :])
                return False
        if self._reader.error is not None:
            owner.fail(self._reader.error)
        return True
