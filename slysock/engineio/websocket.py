"""WebSocket: the fast lane, and trio-websocket for everything that is not fast.

The lane takes the complete, unfragmented frames of a client straight to their owner (slysock_protocol.websocket.lane).
Fragments, pings, odd goodbyes and protocol errors are trio-websocket's, on a stream of ours that hands it just
those bytes. It is started by the first of them, because most connections never have one until they close: without it
an open connection costs about half the memory, and its making a third of the time. With it on the hot path an echo
would take three times as long.

Only the outbox writes to the connection.
"""

import socket as stdlib_socket
from collections import deque
from typing import Final, Literal, Protocol, TypeAlias, final

import trio
import trio_websocket

from slysock.config import Config, TransportName
from slysock.engineio.outbox import Flusher, Outbox, OutboxStatistics
from slysock.engineio.reading import Reader, Source
from slysock.engineio.session import Ending, Transport
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import (
    FrameReader,
    Item,
    Kind,
    close_frame,
    goodbye_frame,
    read_goodbye,
)

_CLOSE_SECONDS: Final = 5.0  # how long a client may take to answer a close frame
_FAILURES: Final[dict[int | None, RemoteProtocolError]] = {
    # RFC 6455, section 7.1.7, wants a close frame for what is against the rules; trio-websocket closes without one.
    CloseCode.PROTOCOL_ERROR: RemoteProtocolError("illegal frame"),
    CloseCode.NOT_UTF8: RemoteProtocolError("text that is not UTF-8", CloseCode.NOT_UTF8),
}
_START_SECONDS: Final = 1.0  # what trio-websocket may take for a request that it has been given; it needs no I/O
_CLOSE_FRAME: Final = 0x88  # the first byte of one
_LONGEST_GOODBYE: Final = 131  # a header of 2 bytes, a mask of 4, and the most that a control frame may carry
_CLOSE_BYTE: Final = bytes([_CLOSE_FRAME])
_REQUEST: Final = (  # trio-websocket insists on one; the client's own is not kept for the day it is needed
    b"GET / HTTP/1.1\r\nHost: client\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)

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
        """Learn that the client broke the protocol; the owner closes the transport."""

    def lose(self, transport: Transport, reason: Loss) -> None:
        """Learn that the WebSocket has ended, by the client or by a failure."""

    async def wait_ready(self) -> None:
        """Wait until reading may go on."""


@final
class Nobody:
    """The owner of a WebSocket that nobody wants, or not yet: what comes is forgotten."""

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


NOBODY: Final = Nobody()


@final
class Lane:
    """Takes hot messages to their owner, and cold bytes to whoever asks for them."""

    __slots__ = ("_ended", "_items", "_reader", "_source", "_taken", "owner")

    def __init__(self, source: Source, behind: bytes, max_message_bytes: int) -> None:
        self.owner: Owner = NOBODY
        self._source = source
        self._reader = FrameReader(max_message_bytes)
        self._items: deque[Item] | None = deque(self._reader.feed(behind)) if behind else None
        self._ended = False
        self._taken: trio.Event | None = None  # set when the message that trio-websocket has is handled

    def message_taken(self) -> None:
        """Go on: what came through trio-websocket has been handled, so that nothing can overtake it."""
        if self._taken is not None:
            self._taken.set()

    async def next_cold(self) -> bytes:
        """Give hot messages to the owner until there is something cold, and return that; b"" at the end.

        Raises:
            trio.BrokenResourceError: the connection failed.
        """
        if self._taken is not None:
            await self._taken.wait()
            self._taken = None
        while True:
            if self.owner.backlogged:
                await self.owner.wait_ready()
            items, self._items = self._items, None
            if not items:
                if self._reader.error is not None:
                    self.owner.fail(self._reader.error)  # what came before it has been handled
                if self._ended:
                    return b""
                await self._source.read(self._take)
            elif items[0].kind in (Kind.COLD, Kind.COLD_MESSAGE):
                self._items = items
                return self._pop_cold(items)
            else:
                self._deliver(list(items))

    def _pop_cold(self, items: deque[Item]) -> bytes:
        item = items.popleft()
        if item.kind is Kind.COLD_MESSAGE:
            self._taken = trio.Event()
        return item.data

    def _take(self, data: bytes) -> bool:
        """Take what was read; False when the connection's own task has to see to something."""
        text = self._reader.one_text(data)
        if text is not None:
            self.owner.receive_text(text)
            return not self.owner.backlogged  # of another owner, maybe: an upgrade hands over
        if not data or (self._reader.error is not None and _ends_in_goodbye(data)):
            self._ended = True  # the client has left, or answers the close frame that its mistake has earned it
            return False
        return self._deliver(self._reader.feed(data))

    def _deliver(self, items: list[Item]) -> bool:
        """Give items to the owner; False when some had to be kept."""
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


def _ends_in_goodbye(data: bytes) -> bool:
    """Tell whether bytes end in a client's close frame; where the frames before it begin is not known any more."""
    size = len(data)
    starts = range(max(0, size - _LONGEST_GOODBYE), size - 5)
    return any(data[at] == _CLOSE_FRAME and data[at + 1] == 0x80 | (size - at - 6) for at in starts)


@final
class ColdStream(trio.abc.Stream):
    """What trio-websocket takes for the connection: a request, then cold bytes only.

    Its answer to the request goes nowhere: the client has made one of its own and has had its answer.
    """

    def __init__(self, lane: Lane, outbox: Outbox, cold: bytes) -> None:
        self._lane = lane
        self._outbox = outbox
        self._request = _REQUEST
        self._cold = cold
        self._answered = trio.Event()
        self._closed = False
        self.said_goodbye = False  # a close frame has been sent

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - gives what there is
        """Return the request, and once it has been answered the next cold bytes."""
        await trio.lowlevel.checkpoint()
        if self._request:
            request, self._request = self._request, b""
            return request
        await self._answered.wait()
        if self._closed:
            raise trio.ClosedResourceError
        if self._cold:
            cold, self._cold = self._cold, b""
            return cold
        return await self._lane.next_cold()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what trio-websocket has to say, behind what is already waiting."""
        if not self._answered.is_set():
            self._answered.set()
        elif self._outbox.shut:
            raise trio.BrokenResourceError("nothing can be written any more")
        else:
            self.said_goodbye = self.said_goodbye or data[:1] == _CLOSE_BYTE
            self._outbox.push(bytes(data))
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: send_all only queues."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Wait until what was said has been written; the connection itself is closed by its task.

        Nothing is read for trio-websocket from here on: that task may have to, for the rest of the goodbye.
        """
        self._closed = True
        await self._outbox.wait_empty()


@final
class WebSocketTransport:
    """One WebSocket connection, for a session or for a probe that may become a session's.

    Args:
        stream: the connection.
        sock: the plain socket below it, if that is all there is.
        answer: to the client's opening handshake; sent before anything else.
        behind: what the client sent after its request.
        nursery: the connection's own; cancelled when nothing can be written any more.
        flusher: empties the outbox.
        reader: reads plain sockets.
        config: limits.
    """

    __slots__ = ("_closing", "_config", "_lane", "_nursery", "_outbox", "_parted", "_serving")

    def __init__(
        self,
        stream: trio.abc.Stream,
        sock: stdlib_socket.socket | None,
        *,
        answer: bytes,
        behind: bytes,
        nursery: trio.Nursery,
        flusher: Flusher,
        reader: Reader,
        config: Config,
    ) -> None:
        self._nursery = nursery
        self._config = config
        self._outbox = Outbox(
            stream,
            sock=sock,
            flusher=flusher,
            nursery=nursery,
            max_bytes=config.max_outbox_bytes,
            write_timeout_seconds=config.write_timeout_seconds,
            on_full=self._full,
            on_broken=self._broken,
        )
        self._lane = Lane(reader.source(stream, sock), behind, config.max_payload_bytes)
        self._serving = trio.CancelScope()  # until somebody takes leave
        self._closing: tuple[CloseCode, str] | None = None
        self._parted = False  # both sides have said goodbye
        self._outbox.push(answer)

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        return "websocket"

    @property
    def waiting_bytes(self) -> int:
        """What waits for the network."""
        return self._outbox.statistics().waiting_bytes

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether the network would take these packets now."""
        return self._outbox.takes(len(outgoing.frames))

    def send(self, outgoing: Outgoing) -> None:
        """Send packets, as frames shared with every other receiver."""
        self._outbox.push(outgoing.frames)

    def statistics(self) -> OutboxStatistics:
        """Say what is waiting."""
        return self._outbox.statistics()

    def open(self, owner: Owner) -> None:
        """Name the owner of the messages; called again, they go to another one from then on."""
        self._lane.owner = owner

    async def run(self) -> None:
        """Serve the connection until it ends, then take leave. `open` comes before."""
        try:
            with self._serving:
                cold = await self._lane.next_cold()
                goodbye = read_goodbye(cold)
                if goodbye is not None:
                    self._answer_goodbye(goodbye)
                elif cold:
                    await self._serve_cold(cold)
            self._lane.owner.lose(self, "transport close")
            with trio.move_on_after(_CLOSE_SECONDS):
                if self._closing is not None and not self._parted:
                    await self._say_goodbye(*self._closing)
                await self._outbox.wait_empty()
        except* trio.BrokenResourceError:
            self._lane.owner.lose(self, "transport error")
        finally:  # also when cancelled or failed: the nursery of the outbox is about to close
            self._outbox.give_up()
            self._lane.owner = NOBODY

    def _answer_goodbye(self, payload: bytes) -> None:
        """Echo the client's close frame, which ends the connection: worth 200 µs of every connection's life."""
        self._outbox.push(goodbye_frame(payload))
        self._parted = True

    async def _serve_cold(self, cold: bytes) -> None:
        """Start trio-websocket, and hand over what comes through it until the connection ends."""
        stream = ColdStream(self._lane, self._outbox, cold)
        async with trio.open_nursery() as library:
            connection = await self._start_library(stream, library)
            try:
                while True:
                    message = await connection.get_message()
                    if isinstance(message, str):
                        self._lane.owner.receive_text(message.encode())
                    else:
                        self._lane.owner.receive_binary(message)
                    await self._lane.owner.wait_ready()
                    self._lane.message_taken()
            except trio_websocket.ConnectionClosed as closed:
                code = None if closed.reason is None else closed.reason.code
                self._parted = stream.said_goodbye
                if not self._parted and code in _FAILURES:
                    self._lane.owner.fail(_FAILURES[code])
            library.cancel_scope.cancel()

    async def _start_library(self, stream: ColdStream, library: trio.Nursery) -> trio_websocket.WebSocketConnection:
        """Let trio-websocket answer the request again, for itself."""
        with trio.move_on_after(_START_SECONDS):
            proposal = await trio_websocket.wrap_server_stream(
                library, stream, max_message_size=self._config.max_payload_bytes
            )
            return await proposal.accept()
        raise trio.BrokenResourceError("the request was no opening handshake after all")

    async def _say_goodbye(self, code: CloseCode, text: str) -> None:
        """Close from our side, and wait until the client does the same or has left.

        trio-websocket is stopped by now: while it closes, a ping is more than it can bear.
        """
        self._outbox.push(close_frame(code, text))
        while True:
            self._lane.message_taken()  # nobody takes what still comes
            cold = await self._lane.next_cold()
            if not cold or cold[0] == _CLOSE_FRAME:
                return

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:  # noqa: ARG002 - for polling
        """Send a close frame behind what was sent before, and end."""
        if self._closing is None:
            self._closing = (code, text)
            self._serving.cancel()

    def _full(self) -> None:
        self._lane.owner.lose(self, "slow consumer")
        self._nursery.cancel_scope.cancel()

    def _broken(self) -> None:
        self._lane.owner.lose(self, "transport error")
        self._nursery.cancel_scope.cancel()
