"""A client in a namespace: what handlers are given."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Final, Literal, ParamSpec, cast, final

from slysock.engineio.session import DisconnectReason, Session
from slysock.errors import ConnectionRefused
from slysock.handlers.dispatcher import Dispatcher, Job
from slysock.handlers.invocation import Invocation, Routine, after_ack, answer_failure, refuse_coroutine
from slysock.handlers.router import Handler
from slysock.request import Handshake, SocketId
from slysock.socketio.acks import Answers
from slysock.socketio.broadcast import Audience, Broadcast
from slysock.socketio.rooms import RoomName
from slysock_protocol import LocalProtocolError, RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.socketio import Ack, Event, decode_array, event_name

if TYPE_CHECKING:
    from slysock.socketio.connection import Connection
    from slysock.socketio.namespace import Namespace

logger = logging.getLogger("slysock")

_ID_BYTES: Final = 15  # 20 characters, as Node's server has

P = ParamSpec("P")


@final
class Socket:
    """One client in one namespace. Handlers, hooks and middleware get it as their first argument.

    Attributes:
        id: names the client in this namespace; public, unlike the id of its session.
        namespace: where it is.
        handshake: how it introduced itself.
        data: the application's own, kept as long as the client is there.
        session: the connection below, which other namespaces may share; the server's.
    """

    __slots__ = (
        "_acks",
        "_connection",
        "_dispatchers",
        "_entering",
        "_held",
        "_rooms",
        "_state",
        "data",
        "handshake",
        "id",
        "namespace",
        "session",
    )

    def __init__(self, connection: "Connection", namespace: "Namespace", handshake: Handshake) -> None:
        self.id = SocketId(secrets.token_urlsafe(_ID_BYTES))
        self.namespace = namespace
        self.handshake = handshake
        self.data: dict[str, object] = {}
        self.session: Session = connection.session
        self._connection = connection
        self._state: Literal["joining", "in", "gone"] = "joining"
        self._entering = False  # a connect hook may be at work: events wait behind it
        self._held: list[Outgoing] = []  # what was emitted before the client was in
        self._rooms: frozenset[str] = frozenset()  # while joining: where it shall be; when gone: where it was
        self._acks: dict[int, Answers] = {}  # acknowledgements that calls wait for, by id
        # Handler -> where its events wait; None: for all those that run in order. Made when first needed.
        self._dispatchers: dict[Handler | None, Dispatcher] = {}

    def __repr__(self) -> str:
        return f"<Socket {self.id} in {self.namespace.name!r}>"

    # -- rooms -------------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the client is in the namespace."""
        return self._state == "in"

    @property
    def joining(self) -> bool:
        """Whether it has not been decided yet if the client is let in."""
        return self._state == "joining"

    @property
    def gone(self) -> bool:
        """Whether the client has left, or was not let in."""
        return self._state == "gone"

    @property
    def rooms(self) -> frozenset[RoomName]:
        """The rooms that the client is in, its own id among them; when it has left, those that it was in."""
        if self._state == "in":
            return self.namespace.rooms_of(self)
        return frozenset(map(RoomName, {self.id, *self._rooms}))

    def join(self, *rooms: str) -> None:
        """Put the client into rooms. In middleware, it is in them as soon as it is let in."""
        if self._state == "in":
            self.namespace.join(self, rooms)
        elif self._state == "joining":
            self._rooms = self._rooms.union(rooms)

    def leave(self, *rooms: str) -> None:
        """Take the client out of rooms."""
        if self._state == "in":
            self.namespace.leave(self, rooms)
        elif self._state == "joining":
            self._rooms = self._rooms.difference(rooms)

    # -- speaking ----------------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: object) -> None:
        """Send an event to this client. Never waits; forgotten when the client has left.

        Raises:
            LocalProtocolError: the event cannot be encoded.
        """
        self.namespace.tell(self, event, args)

    async def call(self, event: str, *args: object, timeout: float = 5) -> object:  # noqa: ASYNC109 - the fixed API
        """Send an event to this client and wait for its acknowledgement.

        Returns:
            None for an empty acknowledgement, its one value, or a tuple of several.

        Raises:
            AckTimeout: none came in `timeout` seconds.
            Disconnected: none will come, the client has left.
            LocalProtocolError: the event cannot be encoded.
        """
        return await self.namespace.ask(self, event, args, timeout)

    @property
    def volatile(self) -> Broadcast:
        """This client, if it can take an event right now."""
        return Broadcast(self.namespace, Audience(rooms=(self.id,), volatile=True))

    @property
    def broadcast(self) -> Broadcast:
        """Everybody else in the namespace."""
        return Broadcast(self.namespace, Audience(excluded=(self.id,)))

    def to(self, *rooms: str) -> Broadcast:
        """Everybody else in one of these rooms."""
        return Broadcast(self.namespace, Audience(rooms=rooms, excluded=(self.id,)))

    def except_(self, *rooms: str) -> Broadcast:
        """Everybody else who is in none of these rooms."""
        return Broadcast(self.namespace, Audience(excluded=(self.id, *rooms)))

    def after_ack(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Make a plain call as soon as the acknowledgement of the running handler is on its way to this client.

        For what others may only learn once the sender has its answer: persist, acknowledge, then emit. Where the
        handler fails the call is not made; where nobody asked for an acknowledgement it is made when the handler ends.

        Raises:
            RuntimeError: no handler is running.
        """
        after_ack(lambda: call(*args, **kwargs))

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace; with `close`, from all, and close its connection.

        Its handlers are cancelled, the caller among them if it is one. Clients do not reconnect by themselves after
        this. What was emitted before still arrives.
        """
        if self._state != "gone":
            self.session.send(self.namespace.parser.disconnected(self.namespace.name))
            self.close("server namespace disconnect")
        if close:
            self._connection.disconnect()

    # -- joining (the server's) --------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Ask the middleware, let the client in, call the connect hooks; in the dispatcher where one of them waits."""
        table = self.namespace.table
        if any(hook.is_async for hook in (*table.middleware, *table.connect)):
            self._entering = True
            self._submit(None, self._enter, 0)
        else:
            run_without_waiting(self._enter())

    async def _enter(self) -> None:
        try:
            for hook in self.namespace.table.middleware:
                await _settle(hook.call(self), is_async=hook.is_async)
        except ConnectionRefused as refusal:
            self._refuse(refusal.message, refusal.data)
        except Exception:  # the boundary of the application's middleware
            logger.exception("middleware of %r failed for socket %s", self.namespace.name, self.id)
            self._refuse("Internal error", None)
        else:
            await self._let_in()
        self._entering = False

    def _refuse(self, message: str, data: object) -> None:
        if self._state == "joining":
            self.session.send(self._refusal(message, data))
            self.close("server namespace disconnect")

    def _refusal(self, message: str, data: object) -> Outgoing:
        parser, name = self.namespace.parser, self.namespace.name
        try:
            return parser.refused(name, {"message": message} if data is None else {"message": message, "data": data})
        except LocalProtocolError:
            logger.exception("the refusal of socket %s by %r cannot be sent as it is", self.id, name)
            return parser.refused(name, {"message": "Internal error"})

    async def _let_in(self) -> None:
        if self._state != "joining":
            return
        self._state = "in"
        self.namespace.add(self, self._rooms)
        self._rooms = frozenset()
        self._connection.joined()
        for observer in self.namespace.observers:
            observer.joined(self)
        self.session.send(self.namespace.parser.connected(self.namespace.name, self.id))
        held, self._held = self._held, []
        for outgoing in held:
            self.session.send(outgoing)
        for hook in self.namespace.table.connect:
            if not self.connected:  # the hook before has sent it away
                return
            try:
                await _settle(hook.call(self), is_async=hook.is_async)
            except Exception as error:
                answer_failure(self, "connect", hook.on_error, error, None)

    # -- messages (the server's) -------------------------------------------------------------------------------------

    def send(self, outgoing: Outgoing) -> None:
        """Send packets; held back until the client is in."""
        if self._state == "in":  # its session is open then
            self.session.transport.send(outgoing)
        elif self._state == "joining":
            self._held.append(outgoing)

    def receive(self, packet: Event, size: int) -> None:
        """Take an event from the client, `size` bytes on the wire.

        Raises:
            RemoteProtocolError: it is not an event, or the client has not been let in yet.
        """
        if self._state == "joining":
            raise RemoteProtocolError("not connected to this namespace")
        body = packet.body
        table = self.namespace.table
        route = None if packet.name is None else table.routes.get(packet.name)
        if route is None or table.incoming:
            body = decode_array(body)
            event = event_name(body)
            self._listen(event, body)
            route = table.routes.get(event.encode())
            if route is None:
                return
        try:
            handler = route.only
            if handler is None:
                handler, body = route.pick(body)
            invocation = Invocation(self, route.name, handler, handler.signature.bind(body), packet.ack_id)
        except RemoteProtocolError:
            raise
        except Exception as error:  # InvalidPayload; or a bug in a type of the application's
            answer_failure(self, route.name, route.fallback.on_error, error, packet.ack_id)
            return
        if handler.concurrency > 1 and not self._entering:
            self._submit(handler, invocation.run, size)
        elif handler.is_async or (self._dispatchers and self._is_busy):
            self._submit(None, invocation.run, size)
        else:
            invocation.run_now()

    def _listen(self, name: str, items: list[object]) -> None:
        for listener in self.namespace.table.incoming:
            try:
                listener(self, name, tuple(items[1:]))
            except Exception:
                logger.exception("a listener to all events failed at %r for socket %s", name, self.id)

    @property
    def _is_busy(self) -> bool:
        """Whether an event that must run in order would have to wait."""
        in_order = self._dispatchers.get(None)
        return in_order is not None and not in_order.idle

    def _submit(self, handler: Handler | None, job: Job, size: int) -> None:
        dispatcher = self._dispatchers.get(handler)
        if dispatcher is None:
            limit = 1 if handler is None else handler.concurrency
            dispatcher = Dispatcher(self.session.nursery, limit, self._connection.event_done)
            self._dispatchers[handler] = dispatcher
        self._connection.event_waits(size)
        dispatcher.submit(job, size)

    def acknowledge(self, ack_id: int, result: object) -> None:
        """Answer an event: a tuple is several values, None is none.

        Raises:
            LocalProtocolError: the answer cannot be encoded.
        """
        self.send(self.namespace.parser.ack(self.namespace.name, ack_id, _values(result)))

    def await_ack(self, ack_id: int, answers: Answers) -> None:
        """Expect an acknowledgement, unless the client has left."""
        if self._state == "gone":
            answers.gone()
        else:
            self._acks[ack_id] = answers

    def forget_ack(self, ack_id: int) -> None:
        """Expect it no more."""
        self._acks.pop(ack_id, None)

    def receive_ack(self, packet: Ack) -> None:
        """Take an acknowledgement; one that nobody waits for, or a second one, is ignored.

        Raises:
            RemoteProtocolError: it is not an array.
        """
        body = decode_array(packet.body)
        answers = self._acks.pop(packet.ack_id, None)
        if answers is not None:
            answers.take(body)

    # -- leaving (the server's) --------------------------------------------------------------------------------------

    def close(self, reason: DisconnectReason) -> None:
        """Take the client out of the namespace: the only way in which a socket ends. Idempotent."""
        if self._state == "gone":
            return
        was_in = self._state == "in"
        if was_in:
            self._rooms = self.rooms
            self.namespace.remove(self)
        self._state = "gone"
        self._connection.left(self)
        for dispatcher in self._dispatchers.values():
            dispatcher.stop()
        for answers in self._acks.values():
            answers.gone()
        self._acks.clear()
        if was_in:
            for observer in self.namespace.observers:
                observer.left(self, reason)
        if was_in and self.namespace.table.disconnect:
            if not all(dispatcher.idle for dispatcher in self._dispatchers.values()):
                self._connection.later(lambda: self._farewell_when_idle(reason))
            elif any(hook.is_async for hook in self.namespace.table.disconnect):
                self._connection.later(lambda: self._farewell(reason))
            else:
                copy_context().run(run_without_waiting, self._farewell(reason))

    async def _farewell_when_idle(self, reason: DisconnectReason) -> None:
        """Wait for the client's handlers to end; the hooks have their turn also when one takes too long for that."""
        try:
            await self.wait_idle()
        finally:
            self._connection.later(lambda: self._farewell(reason))

    async def _farewell(self, reason: DisconnectReason) -> None:
        """Call the disconnect hooks."""
        for hook in self.namespace.table.disconnect:
            try:
                await _settle(hook.call(self, reason), is_async=hook.is_async)
            except Exception as error:
                answer_failure(self, "disconnect", hook.on_error, error, None)

    async def wait_idle(self) -> None:
        """Wait until no handler runs or waits."""
        for dispatcher in list(self._dispatchers.values()):
            await dispatcher.wait_idle()


def _values(result: object) -> tuple[object, ...]:
    if result is None:
        return ()
    return cast("tuple[object, ...]", result) if isinstance(result, tuple) else (result,)


async def _settle(result: object, *, is_async: bool) -> None:
    """Wait for what a hook returned, if it is a coroutine function.

    Raises:
        TypeError: it is not, and yet there would be something to wait for.
    """
    if is_async:
        await cast("Awaitable[object]", result)
    elif isinstance(result, CoroutineType):
        refuse_coroutine(cast("Routine", result))


def run_without_waiting(routine: Coroutine[object, None, None]) -> None:
    """Run a coroutine that is known not to wait for anything, without a task."""
    try:
        routine.send(None)
    except StopIteration:
        return
    raise AssertionError("plain hooks do not wait")
