"""The upgrade of a session from polling to WebSocket.

Source: Engine.IO protocol v4, "Upgrade". The client sends `2probe` on the new WebSocket, gets `3probe`, lets its poll
come to an end, and sends `5`. Messages go on by polling until then, so that none is lost or overtaken.
"""

from typing import final

from slysock.engineio.lane import Loss
from slysock.engineio.polling import PollingTransport
from slysock.engineio.session import Session
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending, Transport
from slysock.engineio.websocket import WebSocketTransport
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import PROBE_ANSWER
from slysock_protocol.errors import CloseCode


@final
class Probe:
    """The owner of a WebSocket while it is not the session's transport yet.

    A probe that fails, or is not finished in time, closes its WebSocket; the session goes on by polling.
    """

    backlogged = False

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
        self._probed = False
        self._deadline = timers.call_later(timeout_seconds, self._give_up)
        session.probe(websocket)

    def receive_text(self, data: bytes) -> None:
        """Take the next step of the upgrade; anything that is none ends it."""
        if self._session.closed or not self._session.probes(self._websocket):
            return  # it is over; until the client answers the close frame it may go on talking
        if data == b"2probe" and not self._probed:
            self._probed = True
            self._websocket.send(PROBE_ANSWER)
            self._polling.release()
        elif data == b"5" and self._probed:
            self._finish()
        else:
            self._give_up()

    def receive_binary(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is, it does not belong here
        """End the upgrade: there is no binary step."""
        self._give_up()

    def _finish(self) -> None:
        self._deadline.cancel()
        self._session.adopt(self._websocket)
        for outgoing in self._polling.hand_over():
            self._websocket.send(outgoing)
        self._polling.close(Ending.PEER, CloseCode.NORMAL, "")
        self._websocket.open(self._session)

    def _give_up(self) -> None:
        self._end()
        self._websocket.close(Ending.ERROR, CloseCode.NORMAL, "")

    def _end(self) -> None:
        self._deadline.cancel()
        if self._session.probes(self._websocket) and not self._session.closed:
            self._session.give_up_probe()
            self._polling.hold()

    def fail(self, error: RemoteProtocolError) -> None:
        """Close the WebSocket of a client that breaks the framing; its session is not concerned."""
        self._end()
        self._websocket.close(Ending.ERROR, error.close_code, error.close_text)

    def lose(self, transport: Transport, reason: Loss) -> None:  # noqa: ARG002 - it has one transport
        """Go on by polling: the WebSocket is gone."""
        self._end()

    async def wait_ready(self) -> None:
        """Return at once: a probe handles everything when it comes."""
