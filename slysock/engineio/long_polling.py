"""The requests of sessions by polling: one opens it, GETs bring what the server says, POSTs what the client says.

Source: Engine.IO protocol v4, "HTTP long-polling"; where that is silent, Node's engine.io 6
(lib/transports/polling.ts).
"""

from typing import Final, final

import trio

from slysock.config import Config
from slysock.engineio.polling import PollingTransport
from slysock.engineio.responses import Responses
from slysock.engineio.session import Session
from slysock.engineio.sessions import Sessions
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending
from slysock.http import BodyTooLarge, Request, RequestBroken
from slysock.request import EngineRequest
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import Close, HandshakeError, decode_payload

_TURNS_OF_A_NEW_POLL: Final = 8  # from its connection's being taken to its waiting
_PACKETS_PER_TURN: Final = 1024  # of one POST, which may hold hundreds of thousands, before others get a turn


@final
class LongPolling:
    """Serves them."""

    def __init__(self, config: Config, sessions: Sessions, timers: Timers, responses: Responses) -> None:
        self._config = config
        self._sessions = sessions
        self._timers = timers
        self._responses = responses

    async def open(self, request: Request, opening: EngineRequest) -> None:
        """Open a session.

        Sessions are bounded here and not by their sockets: one connection can open any number of them.
        """
        if not self._sessions.accepting or self._sessions.is_full:
            await self._responses.unavailable(request)
            return

        def overflow() -> None:
            # Later, because whoever sent the message may be in the middle of a broadcast.
            self._timers.call_later(0, lambda: session.close("slow consumer", Ending.ERROR))

        transport = PollingTransport(max_bytes=self._config.max_outbox_bytes, on_full=overflow)
        session = self._sessions.open(opening, transport)
        await self._get(request, session)

    async def handle(self, request: Request, sid: str) -> None:
        """Answer a request for a session that was known when it came."""
        session = self._sessions.find(sid)
        if session is not None and session.state == "upgrading":
            # The client may have sent `5` before this request, on the other connection; what came first counts first.
            await _let_others_read()
        if session is not None and session.expired:
            session.expire()
        if session is None or session.closed:
            await self._give_last_words(request, sid)
        elif not isinstance(session.transport, PollingTransport):
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
        elif request.method == "GET":
            await self._get(request, session)
        elif request.method == "POST":
            await self._post(request, session, session.transport)
        else:
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)

    async def _give_last_words(self, request: Request, sid: str) -> None:
        transport = self._sessions.take_last_words(sid) if request.method == "GET" else None
        if transport is None:
            await self._responses.refuse(request, HandshakeError.UNKNOWN_SESSION)
        else:
            await self._responses.payload(request, await transport.poll(request.wait_gone) or b"")

    # -- GET ---------------------------------------------------------------------------------------------------------

    async def _get(self, request: Request, session: Session) -> None:
        transport = session.transport
        assert isinstance(transport, PollingTransport)
        if transport.polled:
            # Two polls at once: the packets of one would overtake those of the other.
            session.close("transport error", Ending.ERROR)
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
            return
        answered = False
        try:
            payload = await transport.poll(request.wait_gone)
            if payload is not None:
                await self._responses.payload(request, payload)
                answered = True
        finally:
            if not answered:  # given up, broken or cancelled: what the poll was to carry is lost
                session.lose(transport, "transport error")

    # -- POST --------------------------------------------------------------------------------------------------------

    async def _post(self, request: Request, session: Session, transport: PollingTransport) -> None:
        if not transport.begin_post():
            # Two at once: their packets would overtake each other.
            session.close("transport error", Ending.ERROR)
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)
            return
        try:
            body = await request.read_body(self._config.max_payload_bytes)
            understood = await self._take_payload(session, body)
        except BodyTooLarge:
            session.close("transport error", Ending.ERROR)
            await self._responses.error(request, 413)
            return
        except RequestBroken as fault:
            session.lose(transport, "transport error")
            if fault.status is None:
                raise
            await self._responses.error(request, fault.status)
            return
        finally:
            transport.end_post()
        if understood:
            await self._responses.ok(request)
        else:
            await self._responses.refuse(request, HandshakeError.BAD_REQUEST)

    async def _take_payload(self, session: Session, body: bytes) -> bool:
        """Hand the packets of a POST to the session, no faster than it handles them; False when they are malformed."""
        try:
            for number, packet in enumerate(decode_payload(body), 1):
                if isinstance(packet, Close):
                    # A poll that came at the same time, on another connection, ends with a noop and not with an error.
                    await _let_others_read(_TURNS_OF_A_NEW_POLL)
                session.receive_packet(packet)
                if session.closed:
                    break
                if session.backlogged:
                    await session.wait_ready()
                elif number % _PACKETS_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()
        except RemoteProtocolError as error:
            session.fail(error)
            return False
        return session.failure is None


async def _let_others_read(turns: int = 2) -> None:
    """Give turns to whoever has something to read already: one until it is scheduled, one until it has run."""
    for _ in range(turns):
        await trio.lowlevel.checkpoint()
