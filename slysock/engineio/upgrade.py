"""The upgrade of a session from polling to WebSocket.

Source: Engine.IO protocol v4, "Upgrade". The client sends `2probe` on the new WebSocket, gets `3probe`, lets its poll
come to an end, and sends `5`. Messages go on by polling until then, so that none is lost or overtaken. Where clients
have other habits, Node's engine.io decides (lib/socket.ts, _maybeUpgrade).
"""

from typing import Final, final

from slysock.engineio.lane import Loss
from slysock.engineio.polling import PollingTransport
from slysock.engineio.session import Session
from slysock.engineio.states import UPGRADE, UpgradeState, UpgradeStep
from slysock.engineio.timers import Timer, Timers
from slysock.engineio.transport import Ending, Transport
from slysock.engineio.websocket import WebSocketTransport
from slysock.states import follow
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import PROBE_ANSWER
from slysock_protocol.errors import CloseCode

NOOP_SECONDS: Final = 0.1
"""How often a poll that waits is ended for a client that has probed; the first one after as long, as by Node. A client
pauses when `3probe` has come and its poll has ended: one noop alone may come before that, so that the client polls
again. And many at once are many polls."""


@final
class Probe:
    """The owner of a WebSocket while it is not the session's transport yet.

    One that fails, or is not finished in time, closes its WebSocket; the session goes on by polling. When the session
    ends in the middle, gracefully, its client may have paused polling already: it then learns of the end by the
    WebSocket, when it has gone over.
    """

    def __init__(
        self,
        session: Session,
        polling: PollingTransport,
        websocket: WebSocketTransport,
        *,
        timers: Timers,
        timeout_seconds: float,
    ) -> None:
        self._session = session
        self._polling = polling
        self._websocket = websocket
        self._timers = timers
        self._state: UpgradeState = "waiting"
        self._farewell: tuple[CloseCode, str] | None = None  # of a session that has ended in the middle
        self._deadline = timers.call_later(timeout_seconds, self._give_up)
        self._next_noop: Timer | None = None
        session.probe(self)
        polling.posts.look_again()  # a POST that is held would hold up the upgrade, too

    def _step(self, step: UpgradeStep) -> None:
        self._state = follow(UPGRADE, self._state, step)

    @property
    def _adopted(self) -> bool:
        return self._session.transport is self._websocket

    # -- the client's steps ------------------------------------------------------------------------------------------

    def receive_text(self, data: bytes) -> None:
        """Take the next step of the upgrade; anything that is none ends it."""
        if self._state == "over":
            return  # until the client answers the close frame it may go on talking
        if data == b"2probe" and self._state == "waiting":
            self._step("probe")
            self._websocket.send(PROBE_ANSWER)
            self._end_poll_later()
        elif data.startswith(b"5") and self._may_upgrade:
            # Some clients do not probe (SocketIOClient 4 for .NET, Elephant.io 4), or have more to say (Best HTTP).
            self._finish()
        else:
            self._give_up()

    def receive_binary(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is, it does not belong here
        """End the upgrade: there is no binary step."""
        self._give_up()

    def _end_poll_later(self) -> None:
        self._next_noop = self._timers.call_later(NOOP_SECONDS, self._end_poll)

    def _end_poll(self) -> None:
        self._polling.end_poll()
        self._end_poll_later()

    @property
    def _may_upgrade(self) -> bool:
        """Whether the session is as it was, or has last words."""
        return self._state != "over" and (self._farewell is not None or not self._polling.closed)

    def _finish(self) -> None:
        self._stop("upgrade")
        if self._farewell is None:
            self._session.adopt(self._websocket)
        for outgoing in self._polling.hand_over():
            self._websocket.send(outgoing)
        self._polling.close(Ending.PEER, CloseCode.NORMAL, "")
        if self._farewell is not None:
            self._websocket.close(Ending.GRACEFUL, *self._farewell)
        elif self._polling.posts.idle:
            self._websocket.open(self._session)

    def _stop(self, step: UpgradeStep) -> None:
        self._step(step)
        self._deadline.cancel()
        if self._next_noop is not None:
            self._next_noop.cancel()

    # -- what the client has posted before goes first ----------------------------------------------------------------

    @property
    def backlogged(self) -> bool:
        """Whether the session, which has gone over, has not taken yet what came by polling."""
        return self._adopted and not self._polling.posts.idle

    async def wait_ready(self) -> None:
        """Wait until it has, and hand the WebSocket over to it."""
        await self._polling.posts.wait_idle()
        if self._adopted:
            self._websocket.open(self._session)

    # -- the end -----------------------------------------------------------------------------------------------------

    def session_closed(self, ending: Ending, code: CloseCode, text: str) -> None:
        """Take leave, or leave that to the last step of the upgrade."""
        if ending is Ending.GRACEFUL:
            self._farewell = code, text
        else:
            self._give_up()

    def _give_up(self) -> None:
        self._end()
        self._websocket.close(Ending.ERROR, CloseCode.NORMAL, "")

    def _end(self) -> None:
        if self._state != "over":
            self._stop("give up")
            if not self._session.closed:
                self._session.give_up_probe()

    def fail(self, error: RemoteProtocolError) -> None:
        """Close the WebSocket of a client that breaks the framing; a session by polling is not concerned."""
        if self._adopted:
            self._session.fail(error)
        else:
            self._end()
            self._websocket.close(Ending.ERROR, error.close_code, error.close_text)

    def lose(self, transport: Transport, reason: Loss) -> None:
        """Go on by polling: the WebSocket is gone; with it the session, if that has gone over."""
        if self._adopted:
            self._session.lose(transport, reason)
        else:
            self._end()
