"""Socket.IO on one session: its namespaces, and which of them a packet is for."""

import math
import time
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final, final

import trio

from slysock.config import Config
from slysock.engineio.address_rates import AddressRates
from slysock.engineio.receiver import ReceiverStatistics
from slysock.engineio.session import Session
from slysock.engineio.timers import Timer, Timers
from slysock.engineio.transport import Ending
from slysock.errors import RefusalRecord
from slysock.handlers.tasks import Tasks
from slysock.ids import DisconnectReason
from slysock.request import Handshake
from slysock.socketio.allowance import Allowance, ClientRates, Excess, Rates, retry_after
from slysock.socketio.member import Member
from slysock.socketio.namespaces import Namespaces
from slysock.socketio.observer import Observers
from slysock_protocol import RemoteProtocolError
from slysock_protocol.errors import CloseCode
from slysock_protocol.socketio import Ack, Connect, Disconnect, Event, Packet, Parser


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the connections of one server share."""

    config: Config
    namespaces: Namespaces
    parser: Parser
    timers: Timers
    tasks: Tasks
    """Where handlers run."""

    observers: Observers
    rates: Rates
    addresses: AddressRates


_BYTES_OF_AN_EVENT: Final = 512
"""What a waiting event takes beyond its bytes: its arguments, its place in the queue."""

MAX_FUTILE_CONNECTS: Final = 10
"""CONNECTs of one session that come to nothing, in `connect_timeout_seconds`: refused, or taken back before the answer.
Each costs the server some 30 µs and a refusal, and its client 14 bytes."""

_WIRE_FACTOR: Final = 4 / 3
"""By polling, attachments come as base64."""

_REFUSED_NAMESPACE: Final = {"message": "Invalid namespace"}
_TOO_MANY: Final = {"message": "Too many namespaces"}


@final
class Connection:
    """The layer above a session; see slysock.engineio.session.Receiver.

    Attributes:
        backlogged: so many events wait for their handlers that no more is read from the client.
    """

    __slots__ = (
        "_around",
        "_awaited",
        "_bytes",
        "_deadline",
        "_decoder",
        "_futile_connects",
        "_futile_since",
        "_left",
        "_members",
        "_of_nobody",
        "_of_user",
        "_patience",
        "_pending_bytes",
        "_pending_events",
        "_rates",
        "_ready",
        "_stopping",
        "_unwanted",
        "_waits_since",
        "backlogged",
        "session",
    )

    def __init__(self, session: Session, around: Surroundings) -> None:
        self.session = session
        self._around = around
        self._decoder = around.parser.decoder()
        # Namespace, as the client calls it -> the client there; also while it is joining.
        self._members: dict[str, Member] = {}
        self._left: dict[str, None] = {}  # likewise: late packets for what the server took it out of are no error
        self._unwanted = False  # the attachments that come are for one of those
        self._futile_connects = 0
        self._futile_since = -math.inf
        self._rates = ClientRates(around.rates)
        self._of_nobody = Allowance(self._rates, None)
        self._of_user = self._of_nobody  # of the one that was named last
        self._bytes = 0  # so far, of a packet whose attachments are awaited
        self._waits_since = 0.0  # for the attachments of that packet
        self._patience: Timer | None = None  # looks after announced attachments
        self._awaited = 0  # calls that wait for this client's acknowledgement
        self._pending_events = 0
        self._pending_bytes = 0
        self.backlogged = False
        self._ready: trio.Event | None = None  # set when it is no longer backlogged
        self._stopping = False
        self._deadline = around.timers.call_later(around.config.connect_timeout_seconds, self._give_up)

    def _give_up(self) -> None:
        self._refuse("namespace", "joined none in time")
        self.session.close("forced server close", Ending.ERROR)

    # -- messages in -------------------------------------------------------------------------------------------------

    def text(self, data: bytes) -> None:
        """Take a text message."""
        packet = self._decoder.feed_text(data)
        if packet is not None:
            self._receive(packet, len(data))
        else:
            self._bytes = len(data)
            self._expect_attachments()

    def binary(self, data: bytes) -> None:
        """Take a binary message."""
        self._bytes += len(data)
        packet = self._decoder.feed_binary(b"" if self._unwanted else data)
        if packet is not None:
            size, self._bytes, self._unwanted = self._bytes, 0, False
            self._receive(packet, size)

    def _expect_attachments(self) -> None:
        """Keep attachments only for a client that has been let in, and not for ever."""
        name = self._decoder.waiting_in
        assert name is not None
        member = self._members.get(name)
        if name not in self._left and (member is None or member.state != "in"):
            raise RemoteProtocolError("not connected to this namespace")
        self._unwanted = member is None
        self._waits_since = self._around.timers.time()
        if self._patience is None:
            self._watch_attachments(self._attachments_seconds)

    @property
    def _attachments_seconds(self) -> float:
        """How long a packet may take with its attachments: as a body does, and at the average for the next of them."""
        config = self._around.config
        size = self._bytes * _WIRE_FACTOR + config.max_payload_bytes
        return max(config.request_body_seconds, size / config.min_bytes_per_second)

    def _watch_attachments(self, seconds: float) -> None:
        """Start the one timer of the connection, which watches its packets one after the other."""
        self._patience = self._around.timers.call_later(seconds, self._check_attachments)

    def _check_attachments(self) -> None:
        """Close if the packet whose attachments are awaited has taken too long."""
        self._patience = None
        if self._decoder.waiting_in is None:
            return
        now = self._around.timers.time()
        if self.backlogged:  # nothing is read: it is not the client who takes so long
            self._waits_since = now
        left = self._waits_since + self._attachments_seconds - now
        if left <= 0:
            self.session.fail(RemoteProtocolError("attachments did not arrive in time", CloseCode.POLICY))
        else:
            self._watch_attachments(left)

    def _receive(self, packet: Packet, size: int) -> None:
        member = self._members.get(packet.namespace)
        if member is None:
            if isinstance(packet, Connect):
                self._connect(packet)
            elif packet.namespace not in self._left:
                raise RemoteProtocolError("not connected to this namespace")
        elif isinstance(packet, Event):
            if not self._stopping:
                allowance = member.allowance
                allowance.events = events = allowance.events - 1
                allowance.bytes = left = allowance.bytes - size
                if events < 0 or left < 0:  # rarely: much is paid for in advance
                    self._pay_for(member, packet, size)
                else:  # in a context of its own: one task reads for many clients
                    copy_context().run(member.receive, packet, size)
        elif isinstance(packet, Ack):
            member.receive_ack(packet)
        elif isinstance(packet, Disconnect):
            member.close("client namespace disconnect", by_client=True)
        elif member.state == "joining":
            # Clients that leave before they are let in do not say so, and may come again at once.
            member.close("client namespace disconnect", by_client=True)
            self._connect(packet)
        else:
            raise RemoteProtocolError("connected to this namespace already")

    def _pay_for(self, member: Member, packet: Event, size: int) -> None:
        """Take an event that has not been paid for, if there is enough left."""
        excess = member.allowance.renew(size)
        if excess is None or member.state != "in":
            copy_context().run(member.receive, packet, size)
        elif excess.goes_on:
            member.refused(member.socket, excess.reason, excess.detail)
            self.disconnect()
        else:
            copy_context().run(member.refuse_event, packet, excess)

    def _connect(self, packet: Connect) -> None:
        if self.session.closed:  # for taking back too many
            return
        excess = self._rates.join()
        if excess is not None:
            self._refuse_join(packet, excess)
            return
        if len(self._members) >= self._around.config.max_namespaces:
            self._refuse("capacity", "in max_namespaces already", packet.namespace)
            self._answer_no(packet.namespace, _TOO_MANY)
            return
        found = self._around.namespaces.find_called(packet.namespace)
        if found is None:
            self._refuse("namespace", "no router is for it", packet.namespace)
            self._answer_no(packet.namespace, _REFUSED_NAMESPACE)
            return
        request = self.session.request
        handshake = Handshake(
            auth=packet.auth,
            headers=request.headers,
            query=request.query,
            address=request.address,
            secure=request.secure,
            cross_origin=request.cross_origin,
            url=request.url,
            issued=time.time(),
        )
        member = Member(self, found, handshake, called=packet.namespace)
        self._left.pop(packet.namespace, None)
        self._members[packet.namespace] = member
        copy_context().run(member.enter)

    def _answer_no(self, namespace: str, error: dict[str, str]) -> None:
        self.session.send(self._around.parser.refused(namespace, error))
        self._count_futile_connect()

    def _count_futile_connect(self) -> None:
        """Close after too many; who tries in vain for longer is forgotten what lies back."""
        now, config = self._around.timers.time(), self._around.config
        if now - self._futile_since >= config.connect_timeout_seconds:
            self._futile_since, self._futile_connects = now, 0
        self._futile_connects += 1
        if self._futile_connects > MAX_FUTILE_CONNECTS:
            self.session.fail(RemoteProtocolError("too many attempts to connect", CloseCode.POLICY))

    def _refuse_join(self, packet: Connect, excess: Excess) -> None:
        self._refuse(excess.reason, excess.detail, packet.namespace)
        told = {"message": str(excess.error), "data": retry_after(excess.error)}
        self.session.send(self._around.parser.refused(packet.namespace, told))
        if excess.goes_on:
            self.disconnect()

    def _refuse(self, reason: str, detail: str, namespace: str | None = None) -> None:
        """Tell observers; a query behind the name of a namespace is none of their business."""
        if namespace is not None:
            namespace = namespace.partition("?")[0]
        address = self.session.request.address
        self._around.observers.refused(
            RefusalRecord(reason=reason, detail=detail, address=address, namespace=namespace)
        )

    # -- members -----------------------------------------------------------------------------------------------------

    def joined(self) -> None:
        """Note that the client is in a namespace: it need not hurry any more."""
        self._deadline.cancel()
        self.session.joined()

    def login_refused(self) -> None:
        """Note that somebody was not let in who claimed to be; turn the client away after too many of its address."""
        if self._around.addresses.refuse_login(self.session.request.address):
            self._refuse("login rate", "too many refused logins; see address_refused_logins_per_second")
            self.turn_away()

    def turn_away(self) -> None:
        """Close the connection of a client that is in no namespace."""
        if not self._members:
            self.session.close("forced server close")

    def allowance_of(self, user: str | None) -> Allowance:
        """Return what the client may send while it speaks for a user: the same in all namespaces."""
        if user is None:
            return self._of_nobody
        if user != self._of_user.user:
            self._of_user = Allowance(self._rates, user)
        return self._of_user

    def left(self, called: str, *, was_in: bool) -> None:
        """Note that the client is out of a namespace, or was not let in."""
        del self._members[called]
        if was_in:
            self._left[called] = None
            if len(self._left) > self._around.config.max_namespaces:
                del self._left[next(iter(self._left))]
        elif not self.session.closed:
            self._count_futile_connect()

    def disconnect(self) -> None:
        """Disconnect the client from every namespace and close the connection."""
        for member in list(self._members.values()):
            member.disconnect(close=False)
        self.session.close("forced server close")

    @property
    def tasks(self) -> Tasks:
        """Where handlers run."""
        return self._around.tasks

    @property
    def leave_grace_seconds(self) -> float:
        """How long the events of a client that has left are still handled."""
        return self._around.config.leave_grace_seconds

    def closed(self, reason: DisconnectReason, *, by_client: bool) -> None:
        """End: the session has."""
        self._deadline.cancel()
        if self._patience is not None:
            self._patience.cancel()
        if self.session.failure is not None:
            self._refuse("protocol", self.session.failure)
        self._around.observers.session_closed(reason)
        for member in list(self._members.values()):
            member.close(reason, by_client=by_client)
        if self._ready is not None:
            self._ready.set()

    async def finish(self) -> None:
        """Take no more events and wait until those that came have been handled."""
        self._stopping = True
        for member in list(self._members.values()):
            await member.wait_idle()

    def statistics(self) -> ReceiverStatistics:
        """Count what waits for handlers and for the client's answers."""
        return ReceiverStatistics(
            waiting_events=self._pending_events,
            waiting_bytes=self._pending_bytes,
            awaited_acks=self._awaited,
            left_namespaces=len(self._left),
        )

    # -- back-pressure -----------------------------------------------------------------------------------------------

    def event_waits(self, size: int) -> None:
        """Count an event that waits for its handler."""
        self._pending_events += 1
        self._pending_bytes += size
        self._judge()

    def event_done(self, size: int) -> None:
        """Count it no more."""
        self._pending_events -= 1
        self._pending_bytes -= size
        self._judge()

    def asks(self) -> None:
        """Note that a handler or somebody else waits for the client's answer, which may come behind many events."""
        self._awaited += 1
        self._judge()

    def is_answered(self) -> None:
        """Note that one who waited does so no more."""
        self._awaited -= 1
        self._judge()

    def _judge(self) -> None:
        """Say whether more should be read."""
        config = self._around.config
        if self._awaited:
            cost = self._pending_bytes + _BYTES_OF_AN_EVENT * self._pending_events
            self.backlogged = cost >= config.max_pending_bytes
        else:
            # One large event is no backlog: its handler may wait for the client's leaving.
            self.backlogged = self._pending_events >= config.max_pending_events or (
                self._pending_events > 1 and self._pending_bytes >= config.max_payload_bytes
            )
        if self._ready is not None and not self.backlogged:
            self._ready.set()

    async def wait_ready(self) -> None:
        """Wait until there is room for more, or the session has ended."""
        while self.backlogged and not self.session.closed:
            if self._ready is None or self._ready.is_set():  # one for all who wait: during an upgrade there are two
                self._ready = trio.Event()
            await self._ready.wait()
            self._waits_since = self._around.timers.time()  # for what has not been read meanwhile
