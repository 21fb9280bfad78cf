"""The requests of sessions by polling: one opens it, GETs bring what the server says, POSTs what the client says.

Source: Engine.IO protocol v4, "HTTP long-polling"; where that is silent, Node's engine.io 6
(lib/transports/polling.ts).
"""

from typing import Final, final

import trio

from slysock.config import Config
from slysock.engineio.polling import PollingTransport
from slysock.engineio.posts import TURNS_OF_A_NEW_POLL, let_others_read
from slysock.engineio.responses import Responses
from slysock.engineio.session import Session
from slysock.engineio.sessions import Sessions
from slysock.engineio.slow_consumers import SlowConsumers
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending
from slysock.http import BodyTooLarge, Request, RequestBroken
from slysock.request import EngineRequest
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import CLOSE, SEPARATOR, HandshakeError
from slysock_protocol.errors import CloseCode

_GOODBYE: Final = SEPARATOR + CLOSE.payload + SEPARATOR


@final
class LongPolling:
    """Serves them."""

    def __init__(
        self,
        config: Config,
        sessions: Sessions,
        timers: Timers,
        consumers: SlowConsumers,
        responses: Responses,
        turn: trio.Lock,
    ) -> None:
        self._config = config
        self._sessions = sessions
        self._timers = timers
        self._consumers = consumers
        self._responses = responses
        self._turn = turn
        self._running: trio.Nursery | None = None

    @property
    def _nursery(self) -> trio.Nursery:
        """Where what clients have posted waits for its session."""
        assert self._running is not None
        return self._running

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run, until cancelled, what goes on behind requests that have been answered."""
        async with trio.open_nursery() as self._running:
            task_status.started()
            await trio.sleep_forever()

    async def open(self, request: Request, opening: EngineRequest) -> None:
        """Open a session.

        Sessions are bounded here and not by their sockets: one connection can open any number of them.
        """
        if not self._sessions.accepting or self._sessions.is_full:
            await self._responses.unavailable(request)
            return

        def overflow() -> None:
            # Later, because whoever sent the message may be in the middle of a broadcast.
            self._timers.call_later(0, cut)

        def cut() -> None:
            session.close("slow consumer", Ending.ERROR)
            transport.break_off()

        transport = PollingTransport(consumers=self._consumers, on_full=overflow, turn=self._turn)
        session = self._sessions.open(opening, transport)
        await self._get(request, session)

    async def handle(self, request: Request, sid: str) -> None:
        """Answer a request for a session that was known when it came."""
        session = self._sessions.find(sid)
        if session is not None and session.state == "upgrading":
            # The client may have sent `5` before this request, on the other connection; what came first counts first.
            await let_others_read()
        if session is not None and session.expired:
            await let_others_read(TURNS_OF_A_NEW_POLL)  # its answer to the ping may have come with this
            session.expire()
        if session is None or session.closed:
            await self._answer_closed(request, sid)
        elif not isinstance(session.transport, PollingTransport):
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
        elif session.transport.closed:  # a request was broken off, and what came before it is still being taken
            await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
        elif request.method == "GET":
            await self._get(request, session)
        elif request.method == "POST":
            await self._post(request, session, session.transport)
        else:
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)

    # -- a session that is over --------------------------------------------------------------------------------------

    async def _answer_closed(self, request: Request, sid: str) -> None:
        """Answer a client that cannot know of the end before it has got the last words; as Node's server does."""
        if request.method == "GET":
            await self._give_last_words(request, sid)
        elif not self._sessions.has_last_words(sid):
            await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
        elif request.method == "POST":
            await self._drop_post(request, sid)
        else:
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)

    async def _give_last_words(self, request: Request, sid: str) -> None:
        last = self._sessions.take_last_words(sid) if request.method == "GET" else None
        if last is None:
            await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
            return
        words, transport = last
        with transport.delivering(words, request.line):
            await self._responses.payload(request, words)

    async def _drop_post(self, request: Request, sid: str) -> None:
        """Take what nobody will look at any more; a client that says goodbye itself has no need of ours."""
        try:
            body = await request.read_body(self._config.max_payload_bytes)
        except BodyTooLarge:
            await self._responses.error(request, 413)
            return
        if _GOODBYE in SEPARATOR + body + SEPARATOR:  # not decoded: it may be half a million packets
            self._sessions.forget_words(sid)
        await self._responses.ok(request)

    # -- GET ---------------------------------------------------------------------------------------------------------

    async def _get(self, request: Request, session: Session) -> None:
        transport = session.transport
        assert isinstance(transport, PollingTransport)
        if transport.polled:
            await self._refuse_second(request, session, transport)
            return
        answered = False
        try:
            payload = await transport.poll(request.wait_next, request.came_ns)
            if transport.overtaken:
                await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
            elif payload is not None:
                with transport.delivering(payload, request.line):
                    await self._responses.payload(request, payload)
                    answered = True
        finally:
            if not answered:  # given up, broken or cancelled: what the poll was to carry is lost
                self._lose(session, transport)

    async def _refuse_second(self, request: Request, session: Session, transport: PollingTransport) -> None:
        """Close after two polls at once, as the packets of one would overtake those of the other.

        The one that came first is told of the end; which that was need not be the order of their turns.
        """
        transport.overtaken = request.came_ns < transport.polled_ns
        session.close("transport error", Ending.ERROR)
        if transport.overtaken:
            await self._responses.payload(request, CLOSE.payload)
        else:
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)

    # -- POST --------------------------------------------------------------------------------------------------------

    async def _post(self, request: Request, session: Session, transport: PollingTransport) -> None:
        posts = transport.posts
        if posts.full:
            session.close("transport error", Ending.ERROR)
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
            return
        async with posts.turn(request.came_ns, request.connection):
            await posts.wait_room(session, self._config, self._nursery)
            if session.closed:
                await self._answer_closed(request, session.id)
            elif posts.broken:
                await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
            else:
                await self._read_post(request, session, transport)

    async def _read_post(self, request: Request, session: Session, transport: PollingTransport) -> None:
        try:
            body = await transport.posts.read(request, self._config.max_payload_bytes)
            if body is None:
                await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
                return
            await transport.posts.take(body, session, self._nursery)
        except BodyTooLarge:
            session.close("transport error", Ending.ERROR)
            await self._responses.error(request, 413)
        except RemoteProtocolError as error:
            session.fail(error)
            await self._responses.malformed(request)
        except RequestBroken as fault:
            transport.posts.broken = True
            self._lose(session, transport)
            if fault.status is None:
                raise
            await self._responses.error(request, fault.status)
        else:
            if session.failure is None:
                await self._responses.ok(request)
            else:
                await self._responses.malformed(request)

    # -- the client's leaving ----------------------------------------------------------------------------------------

    def _lose(self, session: Session, transport: PollingTransport) -> None:
        """Close when a request was broken off, but not before what the client has sent has been taken."""
        if transport.posts.idle:
            session.lose(transport, "transport error")
        else:
            transport.close(Ending.PEER, CloseCode.NORMAL, "")
            self._nursery.start_soon(self._lose_later, session, transport)

    async def _lose_later(self, session: Session, transport: PollingTransport) -> None:
        await transport.posts.wait_idle()
        session.lose(transport, "transport error")
