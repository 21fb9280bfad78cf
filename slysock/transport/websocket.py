"""WebSocket: trio-websocket on a stream of ours, the lane.

trio-websocket does the opening handshake, ping and pong, the closing handshake, fragments and protocol errors. The lane
under it takes the complete, unfragmented frames of a client straight to their owner (see
slysock_protocol.websocket.lane)
and hands it only the rest. That costs no wsproto events and no channel hops on the hot path: with them an echo takes
about three times as long. It is the only writer's outbox, not trio-websocket, that sends messages.
"""

import socket as stdlib_socket
from collections import deque
from typing import Final, Literal, Protocol, final

import trio
import trio_websocket

from slysock.config import Config, TransportName
from slysock.session import Ending, Transport
from slysock.transport.outbox import Flusher, Outbox, OutboxStatistics
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import FrameReader, Kind

_READ_BYTES: Final = 65_536  # what one socket may take of a turn, so that a flood starves nobody
_CLOSE_SECONDS: Final = 5.0  # how long a client may take to answer a close frame

Loss = Literal["transport close", "transport error", "slow consumer"]


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
class Lane(trio.abc.Stream):
    """The stream under trio-websocket.

    Ownership: closes the stream that it wraps.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        sock: stdlib_socket.socket | None,
        outbox: Outbox,
        *,
        request: bytes,
        behind: bytes,
        max_message_bytes: int,
    ) -> None:
        self._stream = stream
        self._sock = sock
        self._outbox = outbox
        self._request = request
        self._reader = FrameReader(max_message_bytes)
        self._items = deque(self._reader.feed(behind) if behind else ())
        self._owner: Owner | None = None
        self._opened = trio.Event()
        self._taken: trio.Event | None = None  # set when the message that trio-websocket has is handled

    def open(self, owner: Owner) -> None:
        """Let frames through, to their owner."""
        self._owner = owner
        self._opened.set()

    def message_taken(self) -> None:
        """Go on: what came through trio-websocket has been handled, so that nothing can overtake it."""
        if self._taken is not None:
            self._taken.set()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - gives what there is
        """Give hot messages to the owner until there is something for trio-websocket, and return that."""
        if self._request:
            request, self._request = self._request, b""
            await trio.lowlevel.checkpoint()
            return request
        await self._opened.wait()
        if self._taken is not None:
            await self._taken.wait()
            self._taken = None
        while True:
            cold = await self._hand_out()
            if cold:
                return cold
            data = await self._read()
            if not data:
                return data
            self._items.extend(self._reader.feed(data))

    async def _hand_out(self) -> bytes:
        """Give the items to the owner, up to the first cold one; return that."""
        assert self._owner is not None
        while self._items:
            item = self._items.popleft()
            if item.kind is Kind.TEXT:
                self._owner.receive_text(item.data)
            elif item.kind is Kind.BINARY:
                self._owner.receive_binary(item.data)
            else:
                if item.kind is Kind.COLD_MESSAGE:
                    self._taken = trio.Event()
                return item.data
            if self._owner.backlogged:
                await self._owner.wait_ready()
        if self._reader.error is not None:
            self._owner.fail(self._reader.error)
        return b""

    async def _read(self) -> bytes:
        """Read what is there, or wait for it; b"" at the end.

        Raises:
            trio.BrokenResourceError: the connection failed.
        """
        if self._sock is None:
            return bytes(await self._stream.receive_some(_READ_BYTES))
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                return self._sock.recv(_READ_BYTES)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:
                raise trio.BrokenResourceError("the connection failed") from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what trio-websocket has to say, behind what is already waiting."""
        if self._outbox.shut:
            raise trio.BrokenResourceError("nothing can be written any more")
        self._outbox.push(bytes(data))
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: send_all only queues."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Write what is waiting, then close. Cancelled, it closes at once."""
        try:
            await self._outbox.wait_empty()
        finally:
            await self._stream.aclose()


@final
class WebSocketTransport:
    """One WebSocket connection, for a session or for a probe that may become a session's."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        sock: stdlib_socket.socket | None,
        *,
        request: bytes,
        behind: bytes,
        nursery: trio.Nursery,
        flusher: Flusher,
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
            on_full=lambda: self._lost("slow consumer"),
            on_broken=lambda: self._lost("transport error"),
        )
        self._lane = Lane(
            stream, sock, self._outbox, request=request, behind=behind, max_message_bytes=config.max_payload_bytes
        )
        self._connection: trio_websocket.WebSocketConnection | None = None
        self._owner: Owner | None = None
        self._closing = False

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        return "websocket"

    @property
    def writable(self) -> bool:
        """Whether what is sent now leaves at once."""
        return self._outbox.writable

    def send(self, outgoing: Outgoing) -> None:
        """Send packets, as frames shared with every other receiver."""
        self._outbox.push(outgoing.frames)

    def statistics(self) -> OutboxStatistics:
        """Say what is waiting."""
        return self._outbox.statistics()

    async def accept(self) -> bool:
        """Do the opening handshake; False when the client did not make one."""
        with trio.move_on_after(self._config.request_head_seconds):
            proposal = await trio_websocket.wrap_server_stream(
                self._nursery, self._lane, max_message_size=self._config.max_payload_bytes
            )
            self._connection = await proposal.accept()
        return self._connection is not None

    def open(self, owner: Owner) -> None:
        """Let messages through to their owner; called again, they go to another one from then on."""
        self._owner = owner
        self._lane.open(owner)

    async def run(self) -> None:
        """Hand over what comes through trio-websocket, until the connection ends."""
        assert self._connection is not None
        assert self._owner is not None
        try:
            while True:
                message = await self._connection.get_message()
                if isinstance(message, str):
                    self._owner.receive_text(message.encode())
                else:
                    self._owner.receive_binary(message)
                await self._owner.wait_ready()
                self._lane.message_taken()
        except trio_websocket.ConnectionClosed:
            self._owner.lose(self, "transport close")
            self.close(Ending.PEER, CloseCode.NORMAL, "")
            await trio.sleep_forever()  # until _close ends the nursery

    def _lost(self, reason: Loss) -> None:
        """End at once: nothing can be written any more."""
        if self._owner is not None:
            self._owner.lose(self, reason)
        self._nursery.cancel_scope.cancel()

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:  # noqa: ARG002 - for polling
        """Send a close frame behind what was sent before, and end."""
        if not self._closing:
            self._closing = True
            self._nursery.start_soon(self._close, code, text)

    async def _close(self, code: CloseCode, text: str) -> None:
        assert self._connection is not None
        with trio.move_on_after(_CLOSE_SECONDS):
            await self._connection.aclose(code, text or None)
            await self._outbox.wait_empty()
        self._nursery.cancel_scope.cancel()
