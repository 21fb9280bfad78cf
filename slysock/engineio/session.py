"""One Engine.IO session: from the handshake to the one function that closes it.

A session outlives its transports: it opens on one, may upgrade to another, and is what heartbeats, limits and the
layer above are tied to. It knows nothing of HTTP, nor of Socket.IO.
"""

import math
from collections.abc import Callable
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias, final

import trio

from slysock.config import Config, TransportName
from slysock.engineio.timers import Timers
from slysock.request import OpeningRequest, SessionId
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

DisconnectReason: TypeAlias = Literal[
    "transport close",
    "transport error",
    "ping timeout",
    "parse error",
    "slow consumer",
    "forced close",
    "forced server close",
    "server shutting down",
    "client namespace disconnect",
    "server namespace disconnect",
]
"""Why a client is gone: the reasons of Node's server, and `slow consumer`, which it does not have."""


class Ending(Enum):
    """How a session takes leave of its client."""

    PEER = "peer"
    """The client has left or says that it does."""
    ERROR = "error"
    """The client broke a rule or fell silent: it is told at once, and nothing more is kept for it."""
    GRACEFUL = "graceful"
    """The server ends it: what was sent before still arrives."""


class Transport(Protocol):
    """A way to the client. Calls are plain; none of them waits."""

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """What has not left yet."""
        ...

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether this would leave at once if it was sent now; volatile events are dropped where it would not."""
        ...

    def send(self, outgoing: Outgoing) -> None:
        """Send, in order."""

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:
        """Take leave and end. Nothing is sent afterwards. Idempotent."""


class Receiver(Protocol):
    """The layer above: what a session hands its messages to."""

    @property
    def backlogged(self) -> bool:
        """Whether so much is waiting to be handled that no more should be read."""
        ...

    def text(self, data: bytes) -> None:
        """Take a text message.

        Raises:
            RemoteProtocolError: it breaks the protocol of that layer; the session will be closed.
        """

    def binary(self, data: bytes) -> None:
        """Take a binary message; raises like `text`."""

    def closed(self, reason: DisconnectReason) -> None:
        """Learn that the session has ended; called once, nothing follows."""

    async def wait_ready(self) -> None:
        """Wait until it is no longer backlogged."""

    async def finish(self) -> None:
        """Take no more events and wait until those that came have been handled."""


@final
class _Nobody:
    """What is above a closed session."""

    backlogged = False

    def text(self, data: bytes) -> None:
        """Forget it."""

    def binary(self, data: bytes) -> None:
        """Forget it."""

    def closed(self, reason: DisconnectReason) -> None:
        """Forget it."""

    async def wait_ready(self) -> None:
        """Return at once."""

    async def finish(self) -> None:
        """Return at once."""


_NOBODY: Final = _Nobody()


@final
class Session:
    """One client.

    Ownership: the nursery is its host's: what the session starts for this client runs there and ends with it.

    Attributes:
        closed: no more messages come or go.
        failed: the client broke the protocol.
        upgrading: the WebSocket that is being probed, while one is.
    """

    __slots__ = (
        "_above",
        "_alive_since",
        "_config",
        "_held_until",
        "_on_closed",
        "_pinged",
        "_timer",
        "_timers",
        "closed",
        "failed",
        "id",
        "nursery",
        "request",
        "transport",
        "upgrading",
    )

    def __init__(
        self,
        session_id: SessionId,
        request: OpeningRequest,
        transport: Transport,
        *,
        nursery: trio.Nursery,
        config: Config,
        timers: Timers,
        on_closed: Callable[["Session"], None],
    ) -> None:
        self.id = session_id
        self.request = request
        self.transport = transport
        self.nursery = nursery
        self.closed = False
        self.failed = False
        self.upgrading: Transport | None = None
        self._config = config
        self._timers = timers
        self._on_closed = on_closed
        self._above: Receiver  # from `attach` on
        self._alive_since = trio.current_time()
        self._held_until = -math.inf  # when reading last went on after a backlog
        self._pinged = False  # a ping has no answer yet
        self._timer = timers.call_later(config.ping_interval_seconds, self._ping)

    def attach(self, receiver: Receiver) -> None:
        """Name the layer above; must be done before anything is received."""
        self._above = receiver

    # -- messages ------------------------------------------------------------------------------------------------

    def send(self, outgoing: Outgoing) -> None:
        """Send packets; forgotten when the session is closed."""
        if not self.closed:
            self.transport.send(outgoing)

    def receive_text(self, data: bytes) -> None:
        """Take one text message of the transport, as the wire has it."""
        if self.closed:
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
        if self.closed:
            return
        try:
            self._above.binary(data)
        except RemoteProtocolError as error:
            self.fail(error)

    def receive_packet(self, packet: Packet) -> None:
        """Take one packet of a polling request."""
        if self.closed:
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
        return not self.closed and self._above.backlogged

    async def wait_ready(self) -> None:
        """Wait until reading may go on."""
        if self.backlogged:
            await self._above.wait_ready()
            self._held_until = trio.current_time()

    # -- heartbeat (Engine.IO protocol v4, "Heartbeat") --------------------------------------------------------------

    @property
    def expired(self) -> bool:
        """Whether the client's last sign of life is too old, also where the timer has not run yet."""
        allowed = self._config.ping_interval_seconds + self._config.ping_timeout_seconds
        return trio.current_time() - self._alive_since >= allowed

    def _ping(self) -> None:
        self._pinged = True
        self.send(PING)
        self._timer = self._timers.call_later(self._config.ping_timeout_seconds, self.expire)

    def _pong(self) -> None:
        if not self._pinged:
            return  # nobody asked; a flood of these must not become a flood of timers
        self._pinged = False
        self._alive_since = trio.current_time()
        self._timer.cancel()
        self._timer = self._timers.call_later(self._config.ping_interval_seconds, self._ping)

    def expire(self) -> None:
        """Give the client up, unless its answer may be among what we did not read in time."""
        self._timer.cancel()
        if self.backlogged or trio.current_time() - self._held_until < self._config.ping_timeout_seconds:
            self._timer = self._timers.call_later(self._config.ping_timeout_seconds, self.expire)
        else:
            self.close("ping timeout", Ending.ERROR)

    async def finish(self) -> None:
        """Take no more events and wait until those that came have been handled."""
        await self._above.finish()

    # -- upgrade ---------------------------------------------------------------------------------------------------

    def adopt(self, transport: Transport) -> None:
        """Go over to the transport that was probed; the old one has handed over what it had not delivered."""
        self.transport, self.upgrading = transport, None

    # -- the end ---------------------------------------------------------------------------------------------------

    def fail(self, error: RemoteProtocolError) -> None:
        """Close because the client broke the protocol."""
        self.failed = True
        self.close("parse error", Ending.ERROR, error.close_code, error.reason)

    def lose(self, transport: Transport, reason: DisconnectReason) -> None:
        """Learn that a transport has ended by itself; only the current one takes the session with it."""
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
        if self.closed:
            return
        self.closed = True
        self._timer.cancel()
        self._above.closed(reason)
        self.transport.close(ending, code, text)
        if self.upgrading is not None:
            self.upgrading.close(Ending.ERROR, CloseCode.NORMAL, "")
        self._on_closed(self)
        self._above = _NOBODY  # each holds the other; a closed one should not wait to be collected
