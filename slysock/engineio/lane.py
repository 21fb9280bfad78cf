"""The fast lane of a WebSocket: hot messages go straight to their owner, cold bytes to whoever asks for them.

Hot are data frames within limits, which make messages; see slysock_protocol.websocket.frame_reader.
"""

from collections import deque
from typing import Final, Literal, Protocol, TypeAlias, final

import trio

from slysock.config import Config
from slysock.engineio.reading import Source
from slysock.engineio.transport import Transport
from slysock.http.pace import Pace
from slysock_protocol import RemoteProtocolError
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import FrameReader, Item, Kind

MOST_AT_ONCE: Final = 16
"""Frames of one connection that are handled as soon as they have been read. The tiniest client floods with thousands
in one piece, and forty such clients would have everybody wait for seconds."""

MOST_OF_A_TURN: Final = 64
"""Those behind them, before the next connection that has more of them gets its turn."""

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

    Args:
        source: where its bytes come from.
        behind: those that have come already.
        max_message_bytes: the longest message that is taken.
        turn: what the lanes of a server share. Those that have more to handle than others at once wait for it in a
            row, and Trio's other tasks come between two of them: so all floods together take no more of the loop than
            one.

    Attributes:
        owner: whom the messages are for.
        heard_part: a part of a message has come; for whoever sets it to False.
    """

    __slots__ = (
        "_config",
        "_ended",
        "_heard_at",
        "_items",
        "_pace",
        "_reader",
        "_source",
        "_turn",
        "heard_part",
        "owner",
    )

    def __init__(self, source: Source, behind: bytes, config: Config, turn: trio.Lock) -> None:
        self.owner: Owner = NO_OWNER
        self._source = source
        self._turn = turn
        self._config = config
        self._reader = FrameReader(config.max_payload_bytes)
        self._pace: Pace | None = None  # of a message that comes in parts
        self._heard_at = 0.0  # when the last part came, in Trio's time
        self._items: deque[Item] | None = deque(self._reader.feed(behind, MOST_AT_ONCE)) if behind else None
        self.heard_part = False
        self._ended = False

    async def next_cold(self) -> bytes:
        """Hand hot messages to the owner until there is something cold, and return that; b"" at the end.

        Raises:
            trio.BrokenResourceError: the connection failed.
        """
        while True:
            while self.owner.backlogged:  # another one, maybe, after an upgrade
                await self.owner.wait_ready()
                self._heard_at = trio.current_time()  # that took its time, and the client could not
            items, self._items = self._items, None
            if not items and self._reader.left:
                await self._take_turn()
            elif not items:
                if self._reader.error is not None:
                    self.owner.fail(self._reader.error)  # what came before it has been handled
                if self._ended or self._reader.goodbye:
                    return b""  # the client has left, or sends nothing more behind a goodbye that has been passed on
                await self._source.read(self._take)
            elif items[0].kind is Kind.COLD:
                self._items = items
                return items.popleft().data
            else:
                self._deliver(list(items))

    async def _take_turn(self) -> None:
        """Handle some more of what has been read, when it is this connection's turn."""
        async with self._turn:
            if not self.owner.backlogged:
                items = self._reader.go_on(MOST_OF_A_TURN)
                if not self._reader.in_message:
                    self._pace = None
                self._deliver(items)

    @property
    def has_unread(self) -> bool:
        """Whether something has come that nobody has looked at yet, where one can tell."""
        return self._reader.left or self._source.has_unread

    def _take(self, data: bytes) -> bool:
        """Take what was read; False when the connection's own task has to see to something."""
        text = self._reader.one_text(data)
        if text is not None:
            self.owner.receive_text(text)
            return not self.owner.backlogged  # of another owner, maybe: an upgrade hands over
        if not data:
            self._ended = True
            return False
        items = self._reader.feed(data, MOST_AT_ONCE)
        in_message = self._reader.in_message
        if (in_message or self._pace is not None) and not self._is_in_time(len(data), items):
            self.owner.fail(RemoteProtocolError("the message did not arrive in time", CloseCode.POLICY))
            return False
        self.heard_part = self.heard_part or in_message
        return self._deliver(items) and not (self._reader.goodbye or self._reader.left)

    def _is_in_time(self, size: int, items: list[Item]) -> bool:
        """Tell whether a message that comes in parts does so in time; pings between its fragments buy none."""
        now, pace = trio.current_time(), self._pace
        if pace is not None:
            pace.waited(now - self._heard_at)
            pace.moved(size)
        self._heard_at = now
        if not self._reader.in_message:
            self._pace = None
        elif pace is None or any(item.kind is not Kind.COLD for item in items):  # the beginning of another one
            self._pace = Pace(self._config.request_body_seconds, self._config.min_bytes_per_second)
        return pace is None or pace.left_seconds >= 0

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
