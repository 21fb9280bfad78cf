"""One Engine.IO session: from the handshake to the one function that closes it.

A session outlives its transports: it opens on one, may upgrade to another, and is what heartbeats, limits and the
layer above are tied to. It knows nothing of HTTP, nor of Socket.IO.
"""

import math
from collections.abc import Callable
from typing import Final, Protocol, final

from slysock.config import Config
from slysock.engineio.receipts import Receipt, Receipts
from slysock.engineio.receiver import NOBODY, Receiver, ReceiverStatistics
from slysock.engineio.states import SESSION, SessionState
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending, Transport
from slysock.ids import DisconnectReason, SessionId
from slysock.request import EngineRequest
from slysock.states import follow
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import (
    PING,
    BinaryMessage,
    Close,
    Message,
    Noop,
    Open,
    Outgoing,
    Packet,
    Ping,
    Pong,
    Upgrade,
    decode_packet,
)
from slysock_protocol.errors import CloseCode

_LOOKS: Final = 5  # before a client is given up: turns in which what has come from it is read
_LOOK_SECONDS: Final = 0.01  # between two of them


class Candidate(Protocol):
    """Another way to the client, which may become the session's."""

    def session_closed(self, ending: Ending, code: CloseCode, text: str) -> None:
        """Take leave: the session has, by the transport that it had until now."""


@final
class Session:
    """One client.

    Attributes:
        state: changes by the table `SESSION` only.
        failure: how the client broke the protocol, if it did; in words, as an error would hold frames that hold this.
        transport: the way to the client.
        send: sends packets, in order; forgets them when the session is closed. The transport's own method, because
            everything that leaves goes this way.
    """

    __slots__ = (
        "_above",
        "_alive_since",
        "_candidate",
        "_config",
        "_held_until",
        "_looks",
        "_on_closed",
        "_on_joined",
        "_receipts",
        "_timer",
        "_timers",
        "_unanswered",
        "failure",
        "id",
        "request",
        "send",
        "state",
        "transport",
    )

    def __init__(
        self,
        session_id: SessionId,
        request: EngineRequest,
        transport: Transport,
        *,
        config: Config,
        timers: Timers,
        on_joined: Callable[[SessionId], None],
        on_closed: Callable[["Session"], None],
    ) -> None:
        self.id = session_id
        self.request = request
        self.transport = transport
        self.send: Callable[[Outgoing], None] = transport.send
        self.state: SessionState = "open"
        self.failure: str | None = None
        self._candidate: Candidate | None = None  # the other transport of an upgrade, while one is under way
        self._config = config
        self._timers = timers
        self._on_joined = on_joined
        self._on_closed = on_closed
        self._above: Receiver = NOBODY  # until `attach`, and when it is closed
        self._alive_since = timers.time()
        self._held_until = -math.inf  # when reading last went on after a backlog
        self._unanswered = 0  # pings
        self._receipts: Receipts | None = None  # made when somebody first asks
        self._looks = 0  # for signs of life, since an answer was due
        self._timer = timers.call_later(config.ping_interval_seconds, self._ping)

    def attach(self, receiver: Receiver) -> None:
        """Name the layer above; must be done before anything is received."""
        self._above = receiver

    def joined(self) -> None:
        """Note that the client has been let in: it is no stranger any more. Idempotent."""
        self._on_joined(self.id)

    @property
    def closed(self) -> bool:
        """Whether no more messages come or go."""
        return self.state == "closed"

    def statistics(self) -> ReceiverStatistics:
        """Count what the layer above holds for this session."""
        return self._above.statistics()

    # -- messages ------------------------------------------------------------------------------------------------

    def receive_text(self, data: bytes) -> None:
        """Take one text message of the transport, as the wire has it."""
        if self.state == "closed":
            return
        try:
            if data.startswith(b"4"):
                self._above.text(data[1:])
            else:
                self._receive(decode_packet(data))
        except RemoteProtocolError as error:
            self.fail(error)

    def receive_binary(self, data: bytes) -> None:
        """Take one binary message of the transport."""
        if self.state == "closed":
            return
        try:
            self._above.binary(data)
        except RemoteProtocolError as error:
            self.fail(error)

    def receive_packet(self, packet: Packet) -> None:
        """Take one packet of a polling request."""
        if self.state == "closed":
            return
        try:
            self._receive(packet)
        except RemoteProtocolError as error:
            self.fail(error)

    def _receive(self, packet: Packet) -> None:
        match packet:
            case Message(data):
                self._above.text(data)
            case BinaryMessage(data):
                self._above.binary(data)
            case Pong():
                self._pong()
            case Close():
                self.close("transport close", Ending.PEER)
            case Ping():
                # Engine.IO v4, "Heartbeat": the server sends the pings.
                raise RemoteProtocolError("invalid heartbeat direction")
            case Upgrade() | Noop() | Open():
                pass  # nothing to do outside an upgrade; Node's server ignores them too

    @property
    def backlogged(self) -> bool:
        """Whether no more should be read from the client for now."""
        return self._above.backlogged

    async def wait_ready(self) -> None:
        """Wait until reading may go on."""
        if self.backlogged:
            await self._above.wait_ready()
            self._held_until = self._timers.time()

    async def wait_drained(self, below: int) -> None:
        """Wait until fewer bytes than `below` wait for the client, or the session is closed."""
        while self.state != "closed" and self.transport.waiting_bytes >= below:
            await self.transport.wait_progress()

    # -- heartbeat (Engine.IO protocol v4, "Heartbeat") --------------------------------------------------------------

    @property
    def expired(self) -> bool:
        """Whether the client's last sign of life is too old, also where the timer has not run yet."""
        allowed = self._config.ping_interval_seconds + self._config.ping_timeout_seconds
        return self._timers.time() - self._alive_since >= allowed

    def _ping(self) -> None:
        self._looks = 0
        self.transport.stirred()  # what was before does not count
        self._send_ping()
        self._timer = self._timers.call_later(self._config.ping_timeout_seconds, self._doubt)

    def _send_ping(self) -> None:
        """Send a ping: a heartbeat's, or one for a receipt, which moves no deadline."""
        self._unanswered += 1
        self.send(PING)
        if self._receipts is not None:
            self._receipts.pinged()

    def _pong(self) -> None:
        """Take the answer to the oldest ping without one. It is a sign of life, whatever the ping was for."""
        if not self._unanswered:
            return  # nobody asked; a flood of these must not become a flood of timers
        self._unanswered -= 1
        self._alive_since = self._timers.time()
        self._timer.cancel()
        self._timer = self._timers.call_later(self._config.ping_interval_seconds, self._ping)
        if self._receipts is not None:
            self._receipts.answered()

    def _doubt(self) -> None:
        """Begin to give a client up whose answer is overdue: first let be read what has come from it."""
        if not self.transport.has_unread:
            self._looks += 1
        if self._looks > _LOOKS:
            self.expire()
        else:
            self._timer = self._timers.call_later(_LOOK_SECONDS, self._doubt)

    def expire(self) -> None:
        """Close for a ping timeout, unless its answer may be on its way.

        It may be among what we did not read in time; or behind a message that is still coming, as the ping may be
        behind one that the client is still reading: who goes on with such a message is alive.
        """
        self._timer.cancel()
        timeout = self._config.ping_timeout_seconds
        held_back = self.backlogged or self._timers.time() - self._held_until < timeout
        if self.transport.stirred() or held_back:
            self._looks = 0
            self._timer = self._timers.call_later(timeout, self._doubt)
        else:
            self.close("ping timeout", Ending.ERROR)

    def when_received(self, receipt: Receipt) -> None:
        """Have somebody told when the client has received all that has been sent up to now; see `receipts`."""
        if self.state == "closed":
            receipt(False)
            return
        if self._receipts is None:
            self._receipts = Receipts(self._timers, self._send_ping, unanswered=self._unanswered)
        self._receipts.ask(receipt)

    async def finish(self) -> None:
        """Take no more events and wait until those that came have been handled."""
        await self._above.finish()

    # -- upgrade (Engine.IO protocol v4, "Upgrade") --------------------------------------------------------------------

    def probe(self, candidate: Candidate) -> None:
        """Note that a client is trying another transport; until it has gone over, messages take the old one."""
        self.state = follow(SESSION, self.state, "probe")
        self._candidate = candidate

    def give_up_probe(self) -> None:
        """Stay with the transport that there is."""
        self.state = follow(SESSION, self.state, "give up probe")
        self._candidate = None

    def adopt(self, transport: Transport) -> None:
        """Go over to the transport that was tried; the caller hands over what the old one had not delivered."""
        self.state = follow(SESSION, self.state, "adopt")
        self._candidate = None
        self.transport = transport
        self.send = transport.send

    # -- the end ---------------------------------------------------------------------------------------------------

    def fail(self, error: RemoteProtocolError) -> None:
        """Close because the client broke the protocol."""
        self.failure = error.reason
        self.close("parse error", Ending.ERROR, error.close_code, error.close_text)

    def lose(self, transport: Transport, reason: DisconnectReason) -> None:
        """Close when its transport has ended by itself; one that was only tried is no loss."""
        if transport is self.transport:
            self.close(reason, Ending.PEER)

    def close(
        self,
        reason: DisconnectReason,
        ending: Ending = Ending.GRACEFUL,
        code: CloseCode = CloseCode.NORMAL,
        text: str = "",
    ) -> None:
        """Close the session: the only way in which one ends. Idempotent.

        The layer above learns of it before anything else happens; then the transports take leave.
        """
        if self.state == "closed":
            return
        self.state = follow(SESSION, self.state, "close")
        self._timer.cancel()
        self.send = _forget
        self._above.closed(reason, by_client=_is_own_will(reason, ending))
        if self._receipts is not None:
            self._receipts.close()
        self.transport.close(ending, code, text)
        if self._candidate is not None:
            self._candidate.session_closed(ending, code, text)
            self._candidate = None
        self._on_closed(self)
        self._above = NOBODY  # each holds the other; a closed one should not wait to be collected


def _is_own_will(reason: DisconnectReason, ending: Ending) -> bool:
    """Tell whether a client leaves by itself: it says so, its connection has gone, or it has fallen silent."""
    return reason == "ping timeout" or (ending is Ending.PEER and reason != "slow consumer")


def _forget(_: Outgoing) -> None:
    """Send nothing: the session is closed."""
