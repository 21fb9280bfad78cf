"""WebSocket: the fast lane for messages, and trio-websocket for everything else.

The lane (slysock.engineio.lane) takes the messages of a client straight to their owner. Pings, odd goodbyes and
protocol errors are trio-websocket's, on a stream of ours that hands it just those bytes. It is started by the first of
them, because most connections never have one until they close: without it an open connection costs about half the
memory, and its making a third of the time. With it on the hot path an echo would take three times as long.

Only the outbox writes to the connection.
"""

import socket as stdlib_socket
from typing import Final, final

import trio
import trio_websocket

from slysock.config import Config, TransportName
from slysock.engineio.cold_stream import ColdStream
from slysock.engineio.home import Home
from slysock.engineio.lane import NO_OWNER, Lane, Loss, Owner
from slysock.engineio.outbox import Flusher, Outbox, OutboxStatistics
from slysock.engineio.reading import Source
from slysock.engineio.slow_consumers import SlowConsumers
from slysock.engineio.states import WEBSOCKET, WebSocketState, WebSocketStep
from slysock.engineio.transport import Ending
from slysock.http.unsent import kept_by_kernel
from slysock.states import follow
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import close_frame, goodbye_frame, read_goodbye

_CLOSE_SECONDS: Final = 5.0  # how long a client may take to answer a close frame
_PATIENCE_SECONDS: Final = 60.0  # how long one may take that has much to read before it
_LEAST_BYTES_PER_SECOND: Final = 100_000  # what it has to read meanwhile, by the average of `_CLOSE_SECONDS`
_FAILURES: Final[dict[int | None, RemoteProtocolError]] = {
    # RFC 6455, section 7.1.7, wants a close frame for what is against the rules; trio-websocket closes without one.
    CloseCode.PROTOCOL_ERROR: RemoteProtocolError("illegal frame"),
    CloseCode.NOT_UTF8: RemoteProtocolError("text that is not UTF-8", CloseCode.NOT_UTF8),
}
_START_SECONDS: Final = 1.0  # what trio-websocket may take for a request that it has been given; it needs no I/O
_CLOSE_FRAME: Final = 0x88  # the first byte of one


@final
class WebSocketTransport:
    """One WebSocket connection, for a session or for a probe that may become a session's.

    Either `start` serves it, or whoever has made it awaits `run`. `open` comes before.

    Args:
        source: what is read; a SocketSource for `start`.
        stream: what is written to; None where there is a socket.
        sock: the plain socket that the connection is, if that is all it is.
        answer: to the client's opening handshake; sent before anything else.
        behind: what the client sent after its request.
        home: runs what has to wait; told of the end.
        turn: the Reader's.
        flusher: empties the outbox.
        consumers: who is judged for reading too slowly.
        config: limits.
    """

    __slots__ = (
        "_closing",
        "_config",
        "_home",
        "_lane",
        "_limit",
        "_may_rest",
        "_outbox",
        "_patient",
        "_serving",
        "_sock",
        "_state",
        "_taken_bytes",
        "send",
    )

    def __init__(
        self,
        source: Source,
        *,
        stream: trio.abc.SendStream | None,
        sock: stdlib_socket.socket | None,
        answer: bytes,
        behind: bytes,
        home: Home,
        turn: trio.Lock,
        flusher: Flusher,
        consumers: SlowConsumers,
        config: Config,
    ) -> None:
        self._sock = sock
        self._home = home
        self._limit = consumers.limit
        self._config = config
        self._outbox = Outbox(
            stream,
            sock=sock,
            flusher=flusher,
            home=home,
            consumers=consumers,
            write_timeout_seconds=config.write_timeout_seconds,
            on_full=self._full,
            on_broken=self._broken,
        )
        self.send = self._outbox.send  # frames are shared with every other receiver
        self._lane = Lane(source, behind, config, turn)
        self._serving: trio.CancelScope | None = None  # until somebody takes leave
        self._closing = (CloseCode.NORMAL, "")
        self._may_rest = False  # the Reader serves it, while nothing has to wait
        self._patient = False  # what was sent before is to arrive, if the client reads
        self._state: WebSocketState = "open"
        self._taken_bytes = 0  # by the client, when a sign of life was last asked for
        self._outbox.push(answer)

    def _step(self, step: WebSocketStep) -> None:
        self._state = follow(WEBSOCKET, self._state, step)

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        return "websocket"

    @property
    def waiting_bytes(self) -> int:
        """What waits for the network."""
        return self._outbox.statistics().waiting_bytes

    def stirred(self) -> bool:
        """See Transport."""
        taken, self._taken_bytes = self._taken_bytes, self._outbox.taken_bytes
        heard_part, self._lane.heard_part = self._lane.heard_part, False
        return heard_part or self._taken_bytes > taken

    @property
    def has_unread(self) -> bool:
        """See Transport."""
        return self._lane.has_unread

    async def wait_progress(self) -> None:
        """See Transport."""
        await self._outbox.wait_progress()

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether the network would take these packets now."""
        return self._outbox.takes(len(outgoing.frames))

    def statistics(self) -> OutboxStatistics:
        """Say what is waiting."""
        return self._outbox.statistics()

    def open(self, owner: Owner) -> None:
        """Name the owner of the messages; called again, they go to another one from then on."""
        self._lane.owner = owner

    async def run(self) -> None:
        """Serve the connection until it ends, then take leave."""
        over = True
        try:
            if self._state == "open":
                with trio.CancelScope() as self._serving:
                    over = await self._serve()
            if over:
                await self._leave()
        except* trio.BrokenResourceError:
            over = True
            self._lane.owner.lose(self, "transport error")
        finally:  # also when cancelled or failed
            if over:
                self._end()

    async def _leave(self) -> None:
        self._lane.owner.lose(self, "transport close")
        if self._state == "closing" and self._patient:
            await self._take_leave_patiently()
        else:
            with self._limit(_CLOSE_SECONDS):
                await self._take_leave()

    async def _serve(self) -> bool:
        """Serve until the client leaves; or, False, until nothing has to wait any more."""
        cold = await (self._lane.catch_up() if self._may_rest else self._lane.next_cold())
        if self._state != "open":  # we are leaving ourselves
            return True
        if cold is None:
            self._step("rest")
            self._lane.start(self._attend)
            return False
        goodbye = read_goodbye(cold)
        if goodbye is not None:  # answered without the library: worth 200 µs of every connection's life
            self._outbox.push(goodbye_frame(goodbye))
            self._step("goodbye")
        elif cold:
            self._step("cold frame")
            await self._serve_cold(cold)
        return True

    def _end(self) -> None:
        if self._state != "closed":
            self._step("end")
        self._outbox.give_up()
        self._lane.stop()
        self._lane.owner = NO_OWNER
        self._home.end()

    # -- without a task ------------------------------------------------------------------------------------------------

    def start(self, behind: bytes) -> None:
        """Serve a plain socket: the Reader hands its messages over, and there is a task only while one has to wait.

        Args:
            behind: what the client has sent behind its request.
        """
        self._may_rest = True
        if self._state == "open":
            self._step("rest")
            self._lane.start(self._attend, behind)
        else:  # it is being closed already
            self._home.start_soon(self.run)

    def _attend(self) -> None:
        """See to what the reader cannot go on without: to a goodbye at once, to all else in a task."""
        if self._state != "light":
            return
        cold = self._lane.last_words()
        goodbye = read_goodbye(cold) if cold else None
        if cold is None or (cold and goodbye is None) or self._outbox.statistics().blocked:
            self._wait()
            return
        if goodbye is not None:
            self._outbox.push(goodbye_frame(goodbye))
        self._step("goodbye" if goodbye is not None else "end")
        self._lane.owner.lose(self, "transport error" if self._lane.failed else "transport close")
        self._outbox.flush()
        if self._outbox.statistics().waiting_bytes:
            self._home.start_soon(self.run)
        else:
            self._end()

    def _wait(self) -> None:
        """Go on in a task."""
        self._step("wait")
        self._lane.stop()
        self._home.start_soon(self.run)

    async def _serve_cold(self, cold: bytes) -> None:
        """Start trio-websocket, and let it see to what is cold until the connection ends."""
        stream = ColdStream(self._lane, self._outbox, cold)
        async with trio.open_nursery() as library:
            connection = await self._start_library(stream, library)
            try:
                await connection.get_message()  # which never comes: messages are not cold
            except trio_websocket.ConnectionClosed as closed:
                code = None if closed.reason is None else closed.reason.code
                if stream.said_goodbye:
                    self._step("goodbye")
                elif code in _FAILURES:
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

    async def _take_leave(self) -> None:
        """Write what was sent before, and our goodbye where the client has not said its own."""
        if self._state == "closing":
            await self._say_goodbye()
        await self._outbox.wait_empty()

    async def _take_leave_patiently(self) -> None:
        """Take leave of a client that may be slow to read what was said before: it may take as long as it goes on."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cut_if_slow, nursery.cancel_scope)
            await self._take_leave()
            nursery.cancel_scope.cancel()

    async def _cut_if_slow(self, scope: trio.CancelScope) -> None:
        before = self._unsent_bytes()
        for _ in range(round(_PATIENCE_SECONDS / _CLOSE_SECONDS)):
            with self._limit(_CLOSE_SECONDS):
                await trio.sleep_forever()
            unsent = self._unsent_bytes()
            if before - unsent < _LEAST_BYTES_PER_SECOND * _CLOSE_SECONDS:
                break
            before = unsent
        scope.cancel()

    def _unsent_bytes(self) -> int:
        """Count what has not reached the client: what waits here, and what the kernel keeps."""
        return self.waiting_bytes + (0 if self._sock is None else kept_by_kernel(self._sock))

    async def _say_goodbye(self) -> None:
        """Close from our side, and wait until the client does the same or has left.

        trio-websocket is stopped by now: while it closes, a ping is more than it can bear.
        """
        self._outbox.push(close_frame(*self._closing))
        while True:
            cold = await self._lane.next_cold()
            if not cold or cold[0] == _CLOSE_FRAME:
                return

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:
        """Send a close frame behind what was sent before, and end."""
        if self._state == "light":
            self._wait()
        if self._state in ("open", "library"):
            self._closing = (code, text)
            self._outbox.closed = True
            self._patient = ending is Ending.GRACEFUL
            self._step("say goodbye")
            if self._serving is not None:
                self._serving.cancel()

    def _full(self) -> None:
        self._cut("slow consumer")

    def _broken(self) -> None:
        self._cut("transport error")

    def _cut(self, reason: Loss) -> None:
        """End at once."""
        is_light = self._state == "light"
        if is_light:
            self._step("end")
        self._lane.owner.lose(self, reason)
        if is_light:
            self._end()
        else:
            self._home.cancel()
