"""A namespace: its sockets, their rooms, and what is said to them."""

import itertools
import logging
import re
from collections.abc import Iterable, Sequence
from typing import final
from weakref import WeakValueDictionary

from slysock.handlers.router import Listener, Router, Table
from slysock.socketio.acks import Answers
from slysock.socketio.broadcast import Audience, Broadcast
from slysock.socketio.client_socket import Socket
from slysock.socketio.observer import Observer
from slysock.socketio.rooms import RoomName, Rooms
from slysock_protocol.engineio import Outgoing
from slysock_protocol.socketio import Parser

logger = logging.getLogger("slysock")


@final
class Namespace:
    """One namespace of a server. Get it by `server.of(name)` or as `socket.namespace`."""

    def __init__(self, name: str, table: Table, parser: Parser, observers: Sequence[Observer] = ()) -> None:
        self.name = name
        self.observers = observers
        self.table = table
        self.parser = parser
        self._rooms: Rooms[Socket] = Rooms()
        self._ack_ids = itertools.count()

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._rooms)} sockets>"

    # -- speaking ----------------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: object) -> None:
        """Send an event to every client of the namespace; see Broadcast.emit."""
        self.publish(Audience(), event, args)

    async def call(self, event: str, *args: object, timeout: float = 5) -> list[object]:  # noqa: ASYNC109 - the fixed API
        """Send an event to every client and gather their acknowledgements; see Broadcast.call."""
        return await self.gather(Audience(), event, args, timeout)

    def to(self, *rooms: str) -> Broadcast:
        """Speak to rooms."""
        return Broadcast(self, Audience(rooms=rooms))

    def except_(self, *rooms: str) -> Broadcast:
        """Speak to everybody who is in none of these rooms."""
        return Broadcast(self, Audience(excluded=rooms))

    @property
    def volatile(self) -> Broadcast:
        """Speak to whoever can take it right now."""
        return Broadcast(self, Audience(volatile=True))

    @property
    def client_count(self) -> int:
        """How many clients there are, on this server."""
        return len(self._rooms)

    def sockets(self) -> list[Socket]:
        """List the clients, on this server."""
        return list(self._rooms)

    def get(self, socket_id: str) -> Socket | None:
        """Find a client by its id, on this server."""
        return self._rooms.get(socket_id)

    # -- what sockets and broadcasts are made of ----------------------------------------------------------------------

    def find(self, audience: Audience) -> list[Socket]:
        """List an audience."""
        return self._rooms.targets(audience.rooms, audience.excluded)

    def publish(self, audience: Audience, event: str, args: tuple[object, ...]) -> None:
        """Encode an event once and put it into the outbox of each of an audience."""
        outgoing = self.parser.event(self.name, event, args)
        self._deliver(self.find(audience), outgoing, event, args, volatile=audience.volatile)

    def _deliver(
        self, targets: list[Socket], outgoing: Outgoing, event: str, args: tuple[object, ...], *, volatile: bool
    ) -> None:
        for listener in self.table.outgoing:
            for socket in targets:
                _tell_listener(listener, socket, event, args)
        if volatile:
            targets = [socket for socket in targets if socket.session.transport.takes(outgoing)]
        for socket in targets:  # sessions of members are open, so there is no need to ask them
            socket.session.transport.send(outgoing)

    def _deliver_to(self, socket: Socket, outgoing: Outgoing, event: str, args: tuple[object, ...]) -> None:
        """Send to one client, who may not be in yet, or not be here any more."""
        if not socket.gone:
            for listener in self.table.outgoing:
                _tell_listener(listener, socket, event, args)
            socket.send(outgoing)

    async def gather(
        self, audience: Audience, event: str, args: tuple[object, ...], timeout_seconds: float
    ) -> list[object]:
        """Send an event to an audience and gather the acknowledgements; see Broadcast.call."""
        targets = self.find(audience)
        ack_id = next(self._ack_ids)
        outgoing = self.parser.event(self.name, event, args, ack_id)
        answers = Answers(len(targets))
        for socket in targets:
            socket.await_ack(ack_id, answers)
        try:
            self._deliver(targets, outgoing, event, args, volatile=False)
            await answers.wait(timeout_seconds)
        finally:
            for socket in targets:
                socket.forget_ack(ack_id)
        return answers.values

    async def ask(self, socket: Socket, event: str, args: tuple[object, ...], timeout_seconds: float) -> object:
        """Send an event to one client and wait for its acknowledgement; see Socket.call."""
        ack_id = next(self._ack_ids)
        outgoing = self.parser.event(self.name, event, args, ack_id)
        answers = Answers(1)
        socket.await_ack(ack_id, answers)
        try:
            self._deliver_to(socket, outgoing, event, args)
            await answers.wait(timeout_seconds)
        finally:
            socket.forget_ack(ack_id)
        return answers.only()

    def tell(self, socket: Socket, event: str, args: tuple[object, ...]) -> None:
        """Send an event to one client."""
        self._deliver_to(socket, self.parser.event(self.name, event, args), event, args)

    # -- membership --------------------------------------------------------------------------------------------------

    def add(self, socket: Socket, rooms: Iterable[str]) -> None:
        """Take a client in that has been let in."""
        self._rooms.add(socket.id, socket)
        self._rooms.join(socket.id, rooms)

    def remove(self, socket: Socket) -> None:
        """Take a client out."""
        self._rooms.remove(socket.id)

    def join(self, socket: Socket, rooms: Iterable[str]) -> None:
        """Put a client into rooms."""
        self._rooms.join(socket.id, rooms)

    def leave(self, socket: Socket, rooms: Iterable[str]) -> None:
        """Take a client out of rooms."""
        self._rooms.leave(socket.id, rooms)

    def rooms_of(self, socket: Socket) -> frozenset[RoomName]:
        """The rooms of a client."""
        return self._rooms.of(socket.id)


def _tell_listener(listener: Listener, socket: Socket, event: str, args: tuple[object, ...]) -> None:
    try:
        listener(socket, event, args)
    except Exception:  # the event is none the worse for who listens
        logger.exception("a listener to all outgoing events failed at %r for socket %s", event, socket.id)


@final
class Namespaces:
    """All namespaces of a server: those with a name, and those that patterns make on demand.

    Raises:
        ValueError: handlers that could be mistaken for each other.
    """

    def __init__(self, routers: Iterable[Router], parser: Parser, observers: Sequence[Observer] = ()) -> None:
        self._parser = parser
        self._observers = observers
        by_namespace: dict[str | re.Pattern[str], list[Router]] = {}
        for router in routers:
            by_namespace.setdefault(router.namespace, []).append(router)
        tables = {key: Table(group) for key, group in by_namespace.items()}
        self._patterns = [(key, table) for key, table in tables.items() if isinstance(key, re.Pattern)]
        self._named = {
            key: Namespace(key, table, parser, observers) for key, table in tables.items() if isinstance(key, str)
        }
        # Weak, so that a namespace of a pattern lives as long as somebody is in it or holds it.
        self._made: WeakValueDictionary[str, Namespace] = WeakValueDictionary()

    def named(self) -> list[Namespace]:
        """List those that have a name of their own."""
        return list(self._named.values())

    def find(self, name: str) -> Namespace | None:
        """Find a namespace by name, or make it where a pattern allows it."""
        found = self._named.get(name) or self._made.get(name)
        if found is None:
            for pattern, table in self._patterns:
                if pattern.fullmatch(name):
                    found = self._made[name] = Namespace(name, table, self._parser, self._observers)
                    break
        return found
