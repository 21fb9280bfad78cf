"""The server's side of a namespace: its clients on this server, their rooms, and the commands that reach them.

What users hold of it is a Namespace. The name is the field's: Node's adapter does the same.
"""

import itertools
import logging
from collections.abc import Collection, Iterable
from threading import get_ident
from typing import Protocol, assert_never, final

from slysock.engineio.session import Session
from slysock.engineio.timers import Timers
from slysock.handlers.hooks import tell_listeners
from slysock.handlers.table import Table
from slysock.ids import RoomName, SocketId
from slysock.socketio.acks import Answers
from slysock.socketio.client_socket import Socket
from slysock.socketio.commands import Audience, Command, Disconnect, Emit, Join, Leave
from slysock.socketio.loop import Loop
from slysock.socketio.observer import Observers
from slysock.socketio.rooms import Rooms
from slysock.socketio.states import MemberState
from slysock_protocol.engineio import Outgoing
from slysock_protocol.socketio import Parser

logger = logging.getLogger("slysock")


class Target(Protocol):
    """A client that commands reach: a Member."""

    @property
    def id(self) -> SocketId:
        """The socket's id."""
        ...

    @property
    def called(self) -> str:
        """The namespace, as this client calls it."""
        ...

    @property
    def state(self) -> MemberState:
        """Whether it is in; it is as long as it is found."""
        ...

    @property
    def session(self) -> Session:
        """What packets go out by."""
        ...

    @property
    def socket(self) -> Socket:
        """What users hold of it."""
        ...

    def expect_ack(self, ack_id: int, answers: Answers) -> None:
        """Expect an acknowledgement."""

    def forget_ack(self, ack_id: int) -> None:
        """Expect it no more."""

    def disconnect(self, *, close: bool) -> None:
        """See Socket.disconnect."""


class CommandListener(Protocol):
    """Whoever wants to know what is said and done in namespaces, once it has been done here."""

    def performed(self, namespace: str, command: Command) -> None:
        """Take a command. Plain and quick. What it raises is logged, the first time."""


@final
class Adapter:
    """One namespace on this server.

    `perform`, `gather` and `sockets` may be called from any thread; the rest is the loop's.
    """

    def __init__(
        self, name: str, table: Table, parser: Parser, observers: Observers, *, loop: Loop, timers: Timers
    ) -> None:
        self.name = name
        self.table = table
        self.parser = parser
        self.observers = observers
        self.loop = loop
        self.timers = timers
        self._listeners: list[CommandListener] = []
        self._failed = set[int]()  # which of them have raised
        self._rooms: Rooms[Target] = Rooms()
        self._ack_ids = itertools.count()
        self._odd_names = 0  # clients that call the namespace by another name than its own

    def __len__(self) -> int:
        """Count the clients."""
        return len(self._rooms)

    # -- commands ----------------------------------------------------------------------------------------------------

    def listen(self, listener: CommandListener) -> None:
        """Offer every command to somebody from now on."""
        self._listeners.append(listener)

    def perform(self, command: Command) -> None:
        """Apply a command, and offer it to whoever listens. From another thread: soon, in the loop.

        Raises:
            LocalProtocolError: an event that cannot be encoded; nobody got it.
            RuntimeError: from another thread, and the server has ended.
        """
        outgoing = self._encoded(command)
        if get_ident() == self.loop.thread:  # nearly always; `run` asks the same, for a tenth of an emit's time
            self._perform(command, outgoing)
        else:
            self.loop.run(self._perform, command, outgoing, size=0 if outgoing is None else len(outgoing.frames))

    def _perform(self, command: Command, outgoing: Outgoing | None) -> None:
        self._apply(command, outgoing)
        for index, listener in enumerate(self._listeners):
            try:
                listener.performed(self.name, command)
            except Exception:  # what has been done here is none the worse for it, and others are to hear of it, too
                self._log_listener(index)

    def _log_listener(self, index: int) -> None:
        if index not in self._failed:
            self._failed.add(index)
            name = type(self._listeners[index]).__name__
            logger.exception("%s failed to take a command in %r; it is logged only once", name, self.name)

    def apply(self, command: Command) -> None:
        """Do what a command says with the clients on this server. Never waits.

        Raises:
            LocalProtocolError: an event that cannot be encoded; nobody got it.
        """
        self._apply(command, self._encoded(command))

    def _encoded(self, command: Command) -> Outgoing | None:
        """Encode what is to be sent, in the thread that says it: it learns what is wrong, and may change its values.

        Raises:
            LocalProtocolError: the event cannot be encoded.
        """
        return self.parser.event(self.name, command.event, command.args) if isinstance(command, Emit) else None

    def _apply(self, command: Command, outgoing: Outgoing | None) -> None:
        match command:
            case Emit():  # taken apart by names: positions would cost a tenth of an emit
                assert outgoing is not None
                audience = command.audience
                targets = self._rooms.targets(audience.rooms, audience.excluded)
                self._deliver(targets, outgoing, command.event, command.args, audience.volatile)
            case Join(audience, rooms):
                for target in self.find(audience):
                    self._rooms.join(target.id, rooms)
            case Leave(audience, rooms):
                for target in self.find(audience):
                    self._rooms.leave(target.id, rooms)
            case Disconnect(audience, close):
                for target in self.find(audience):
                    target.disconnect(close=close)
            case _:
                assert_never(command)

    def _deliver(
        self,
        targets: list[Target],
        outgoing: Outgoing,
        event: str,
        args: tuple[object, ...],
        volatile: bool = False,
        ack_id: int | None = None,
    ) -> None:
        if self.table.outgoing:
            for socket in [target.socket for target in targets]:
                self.tell_listeners(socket, event, args)
            targets = [target for target in targets if target.state == "in"]  # a listener may send somebody away
        if volatile:
            targets = [target for target in targets if target.session.transport.takes(outgoing)]
        if self._odd_names:
            self._send_under_their_names(targets, {self.name: outgoing}, event, args, ack_id)
            return
        for target in targets:
            target.session.send(outgoing)

    def _send_under_their_names(
        self,
        targets: list[Target],
        packets: dict[str, Outgoing],
        event: str,
        args: tuple[object, ...],
        ack_id: int | None,
    ) -> None:
        """Send an event to each target under the name by which it calls the namespace; encoded once for each name."""
        for target in targets:
            if target.called not in packets:
                packets[target.called] = self.parser.event(target.called, event, args, ack_id)
            target.session.send(packets[target.called])

    def tell_listeners(self, socket: Socket, event: str, args: tuple[object, ...]) -> None:
        """Tell the listeners of `on_any_outgoing` of an event for one client."""
        on_block = self.timers.lag.blocked
        tell_listeners(self.table.outgoing, socket, event, args, which="outgoing ", on_block=on_block)

    async def gather(
        self, audience: Audience, event: str, args: tuple[object, ...], timeout_seconds: float
    ) -> list[object]:
        """Send an event to an audience and gather the acknowledgements; see Broadcast.call."""
        self.loop.check()
        targets = self.find(audience)
        ack_id = self.next_ack_id()
        outgoing = self.parser.event(self.name, event, args, ack_id)
        answers = Answers(len(targets))
        for target in targets:
            target.expect_ack(ack_id, answers)
        try:
            self._deliver(targets, outgoing, event, args, ack_id=ack_id)
            await answers.wait(timeout_seconds, self.timers)
        finally:
            for target in targets:
                target.forget_ack(ack_id)
        return answers.values

    def next_ack_id(self) -> int:
        """Make the id of an acknowledgement: one counter for a namespace, so that an event is encoded once for all."""
        return next(self._ack_ids)

    # -- clients and their rooms -------------------------------------------------------------------------------------

    def find(self, audience: Audience) -> list[Target]:
        """List an audience."""
        return self._rooms.targets(audience.rooms, audience.excluded)

    def sockets(self, audience: Audience) -> list[Socket]:
        """List an audience, as users hold it.

        Raises:
            RuntimeError: from another thread, and the server has ended.
        """
        return self.loop.ask(lambda: [target.socket for target in self.find(audience)])

    def get(self, socket_id: str) -> Target | None:
        """Find a client by its id."""
        return self._rooms.get(socket_id)

    def add(self, target: Target, rooms: Iterable[str]) -> None:
        """Take a client in that has been let in."""
        self._odd_names += target.called != self.name
        self._rooms.add(target.id, target)
        self._rooms.join(target.id, rooms)

    def remove(self, target: Target) -> None:
        """Take a client out."""
        self._odd_names -= target.called != self.name
        self._rooms.remove(target.id)

    def join(self, target: Target, rooms: Collection[str]) -> None:
        """Put a client into rooms.

        Raises:
            Refusal: too many, or one with too long a name; it is in none of them then.
        """
        self._rooms.check(target.id, rooms)
        self._rooms.join(target.id, rooms)

    def leave(self, target: Target, rooms: Iterable[str]) -> None:
        """Take a client out of rooms."""
        self._rooms.leave(target.id, rooms)

    def rooms_of(self, target: Target) -> frozenset[RoomName]:
        """List the rooms of a client, its own among them."""
        return self._rooms.of(target.id)
