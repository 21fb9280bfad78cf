"""The server's side of a client in a namespace: how it comes in, what becomes of its events, and how it ends.

What users hold of it is a Socket. The two hold each other as long as the client is there.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from threading import get_ident
from time import perf_counter
from typing import Final, final

import trio

from slysock.errors import ConnectionRefused, Disconnected, RateLimited, Refusal, RefusalRecord, names_of_causes
from slysock.handlers.blocking import BLOCKING_SECONDS, run_without_waiting
from slysock.handlers.dispatcher import Dispatcher, Job, Step
from slysock.handlers.functions import name_of
from slysock.handlers.handler import Handler
from slysock.handlers.hooks import ask, call_hook, tell_listeners
from slysock.handlers.invocation import Invocation, answer_failure
from slysock.handlers.table import Hook, Route
from slysock.ids import DisconnectReason, RoomName, SocketId
from slysock.request import Handshake
from slysock.socketio.acks import Answers, values_of
from slysock.socketio.allowance import Excess, retry_after
from slysock.socketio.background import Background
from slysock.socketio.client_socket import Socket
from slysock.socketio.host import Host
from slysock.socketio.namespaces import Found
from slysock.socketio.receipts import Receipts, tell, wait_received
from slysock.socketio.rooms import check_rooms
from slysock.socketio.states import MEMBER, MemberState
from slysock.states import follow
from slysock_protocol import LocalProtocolError, RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.socketio import Ack, Body, Event, decode_array, event_name

logger = logging.getLogger("slysock")

_ID_BYTES: Final = 15  # 20 characters, as Node's server has


@final
class Member:
    """One client in one namespace.

    Attributes:
        id: the socket's.
        called: the namespace, as this client calls it: it may have sent a query string behind the name, and understands
            only what comes under the name that it has sent.
        allowance: what the client may still send here.
        session: the connection below, which other namespaces may share.
        socket: what users hold; only until the client has left.
        observers: who is told what happens.
        state: changes by the table `MEMBER` only.
    """

    __slots__ = (
        "_acks",
        "_adapter",
        "_background",
        "_dispatchers",
        "_entering",
        "_has_reported",
        "_held",
        "_host",
        "_login_refused",
        "_receipts",
        "_rooms",
        "_turned_away",
        "allowance",
        "called",
        "id",
        "observers",
        "session",
        "socket",
        "state",
    )

    def __init__(self, host: Host, found: Found, handshake: Handshake, *, called: str) -> None:
        self.id = SocketId(secrets.token_urlsafe(_ID_BYTES))
        self.called = called
        self.allowance = host.allowance_of(None)
        self.session = host.session
        self.socket = Socket(self, self.id, found.namespace, handshake)
        self.observers = found.adapter.observers
        self.state: MemberState = "joining"
        self._host = host
        self._adapter = found.adapter
        self._entering = False  # a connect hook may be at work: events wait behind it
        self._has_reported = False  # the application has told observers of a refusal, and why
        self._login_refused = False  # it was not let in for whom it claimed to be
        self._turned_away = False  # its connection shall end with its not being let in
        self._held: list[Outgoing] = []  # what was emitted before the client was in
        self._background: Background | None = None  # made when first needed
        self._rooms: frozenset[str] = frozenset()  # while joining: where it shall be; when gone: where it was
        self._acks: dict[int, Answers] = {}  # acknowledgements that calls wait for, by id
        self._receipts: Receipts | None = None  # made when somebody first asks
        # Handler -> where its events wait; None: for all those that run in order. Made when first needed.
        self._dispatchers: dict[Handler | None, Dispatcher] = {}

    @property
    def namespace(self) -> str:
        """The name of the namespace."""
        return self._adapter.name

    # -- rooms -------------------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> frozenset[RoomName]:
        """See Socket.rooms."""
        return self._adapter.loop.ask(self._where)

    def _where(self) -> frozenset[RoomName]:
        if self.state == "in":
            return self._adapter.rooms_of(self)
        return frozenset(map(RoomName, {self.id, *self._rooms}))

    def join(self, rooms: tuple[str, ...]) -> None:
        """See Socket.join."""
        self._adapter.loop.run(self._join, rooms)

    def _join(self, rooms: tuple[str, ...]) -> None:
        if self.state == "in":
            self._adapter.join(self, rooms)
        elif self.state == "joining":
            check_rooms(self._rooms, rooms)
            self._rooms = self._rooms.union(rooms)

    def leave(self, rooms: tuple[str, ...]) -> None:
        """See Socket.leave."""
        self._adapter.loop.run(self._leave, rooms)

    def _leave(self, rooms: tuple[str, ...]) -> None:
        if self.state == "in":
            self._adapter.leave(self, rooms)
        elif self.state == "joining":
            self._rooms = self._rooms.difference(rooms)

    # -- speaking ----------------------------------------------------------------------------------------------------

    def send(self, outgoing: Outgoing) -> None:
        """Send packets; held back until the client is in."""
        if self.state == "in":
            self.session.send(outgoing)
        elif self.state == "joining":
            self._held.append(outgoing)

    def emit(self, event: str, args: tuple[object, ...]) -> None:
        """See Socket.emit. Local: only this server has the client."""
        adapter = self._adapter
        outgoing = adapter.parser.event(self.called, event, args)
        if get_ident() == adapter.loop.thread:  # nearly always; `run` asks the same, for a fifth of an emit's time
            self._deliver(outgoing, event, args)
        else:
            adapter.loop.run(self._deliver, outgoing, event, args, size=len(outgoing.frames))

    def _deliver(self, outgoing: Outgoing, event: str, args: tuple[object, ...]) -> None:
        if self.state in ("joining", "in"):
            if self._adapter.table.outgoing:
                self._adapter.tell_listeners(self.socket, event, args)
            self.send(outgoing)

    async def call(self, event: str, args: tuple[object, ...], timeout_seconds: float) -> object:
        """See Socket.call."""
        self._adapter.loop.check()
        ack_id = self._adapter.next_ack_id()
        outgoing = self._adapter.parser.event(self.called, event, args, ack_id)
        answers = Answers(1)
        self.expect_ack(ack_id, answers)
        try:
            self._deliver(outgoing, event, args)
            await answers.wait(timeout_seconds, self._adapter.timers)
        finally:
            self.forget_ack(ack_id)
        return answers.only()

    @property
    def waiting_bytes(self) -> int:
        """See Socket.waiting_bytes."""
        return self.session.transport.waiting_bytes if self.state in ("joining", "in") else 0

    async def wait_drained(self, below: int) -> None:
        """See Socket.drained."""
        self._adapter.loop.check()
        await trio.lowlevel.checkpoint()
        await self.session.wait_drained(below)
        if self.state not in ("joining", "in"):
            raise Disconnected("the client has left")

    def when_received(self, call: Callable[[bool], object]) -> None:
        """See Socket.when_received."""
        self._adapter.loop.run(self._when_received, call, copy_context())

    def _when_received(self, call: Callable[[bool], object], context: Context) -> None:
        if self.state == "joining":
            raise RuntimeError("the client has not been let in yet, and has been sent nothing")
        if self.state != "in":
            tell(call, context, received=False)
            return
        if self._receipts is None:
            self._receipts = Receipts(self.session)
        self._receipts.ask(call, context)

    async def wait_received(self) -> None:
        """See Socket.received. The pong may come behind many events, as an acknowledgement may."""
        self._adapter.loop.check()
        self._host.asks()
        try:
            await wait_received(self.when_received)
        finally:
            self._host.is_answered()

    def expect_ack(self, ack_id: int, answers: Answers) -> None:
        """Expect an acknowledgement, unless the client has left."""
        if self.state in ("joining", "in"):
            self._acks[ack_id] = answers
            self._host.asks()
        else:
            answers.gone()

    def forget_ack(self, ack_id: int) -> None:
        """Expect it no more."""
        if self._acks.pop(ack_id, None) is not None:
            self._host.is_answered()

    def start_soon(self, routine: Callable[[], Awaitable[object]]) -> None:
        """See Socket.start_soon."""
        self._adapter.loop.run(self._start_soon, routine)

    def _start_soon(self, routine: Callable[[], Awaitable[object]]) -> None:
        if self.state in ("joining", "in"):
            if self._background is None:
                self._background = Background(self.id, self._adapter.timers.lag.blocked)
            self._host.tasks.nursery.start_soon(self._background.run, routine)

    # -- coming in ---------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Ask the middleware, let the client in, call the connect hooks; in the dispatcher where one of them waits."""
        table = self._adapter.table
        if any(hook.is_async for hook in (*table.middleware, *table.connect)):
            self._entering = True
            self._submit(None, Step("a connect hook", self.come_in), 0)
        else:
            run_without_waiting(self.come_in())

    async def come_in(self) -> None:
        """Do so; what `enter` calls."""
        socket = self.socket
        try:
            for hook in self._adapter.table.middleware:
                await self._ask("middleware", hook, socket)
        except ConnectionRefused as refusal:
            self._refuse(refusal.message, refusal.data)
        except RateLimited as excess:
            self._refuse(str(excess), retry_after(excess))
        except Exception:  # the boundary of the application's middleware
            logger.exception("middleware of %r failed for socket %s", self.namespace, self.id)
            self._refuse("Internal error", None)
        else:
            await self._let_in(socket)
        self._entering = False
        if self._login_refused:
            self._host.login_refused()
        if self._turned_away:
            self._host.turn_away()

    def _refuse(self, message: str, data: object) -> None:
        if self.state == "joining":
            self.session.send(self._refusal(message, data))
            self.close("server namespace disconnect")

    def _refusal(self, message: str, data: object) -> Outgoing:
        parser, name = self._adapter.parser, self.called
        try:
            return parser.refused(name, {"message": message} if data is None else {"message": message, "data": data})
        except LocalProtocolError:
            logger.exception("the refusal of socket %s by %r cannot be sent as it is", self.id, self.namespace)
            return parser.refused(name, {"message": "Internal error"})

    async def _let_in(self, socket: Socket) -> None:
        if self.state != "joining":
            return
        self.state = follow(MEMBER, self.state, "let in")
        self._adapter.add(self, self._rooms)
        self._rooms = frozenset()
        self._host.joined()
        self.session.send(self._adapter.parser.connected(self.called, self.id))
        held, self._held = self._held, []
        for outgoing in held:
            self.session.send(outgoing)
        self.observers.joined(socket)
        for hook in self._adapter.table.connect:
            if self.state == "gone":  # the hook before has sent it away
                return
            try:
                await self._ask("connect hook", hook, socket)
            except Exception as error:
                answer_failure(self, socket, "connect", hook.on_error, error, None)
                self._send_away(error)
                return

    async def _ask(self, kind: str, hook: Hook, socket: Socket) -> None:
        """Ask a hook; observers are told of a no, unless it has told them itself.

        By the names of the hook and of what it has raised, from which cause: their texts may quote the client.

        Raises:
            Exception: what the hook raises; ConnectionRefused for False.
        """
        try:
            await ask(
                hook.call,
                socket,
                is_async=hook.is_async,
                refused_text="Connection refused",
                on_block=self._adapter.timers.lag.blocked,
            )
        except Exception as error:
            if not self._has_reported:
                self._login_refused = isinstance(error, ConnectionRefused | Refusal)
                self.refused(socket, kind, f"{name_of(hook.call)} raised {' from '.join(names_of_causes(error))}")
            raise

    def _send_away(self, error: Exception) -> None:
        """Let a client that was in after all not stay: a connect hook said no, or failed."""
        if isinstance(error, ConnectionRefused | Refusal):
            self.disconnect(close=False)
        elif self.state == "in":
            self.session.close("forced server close")  # clients come again after this

    # -- events and acknowledgements from the client -------------------------------------------------------------------

    def receive(self, packet: Event, size: int) -> None:
        """Take an event from the client, `size` bytes on the wire.

        Raises:
            RemoteProtocolError: it is not an event, or the client has not been let in yet.
        """
        if self.state == "joining":
            raise RemoteProtocolError("not connected to this namespace")
        body: Body = packet.body
        table = self._adapter.table
        route = None if packet.name is None else table.routes.get(packet.name)
        if route is None or table.incoming:
            body = decode_array(packet.body)
            route = self._find_route(body)
            if route is None:
                return
        socket = self.socket
        try:
            handler = route.only
            if handler is None:
                handler, body = route.pick(body)
            queue = handler if handler.concurrency > 1 and not self._entering else None
            waits = bool(self._dispatchers) and self._must_wait(queue)
            args = () if waits else handler.signature.bind(body)
        except RemoteProtocolError:
            raise
        except Exception as error:  # InvalidPayload; or a bug in a type of the application's
            answer_failure(self, socket, route.name, route.fallback.on_error, error, packet.ack_id)
            return
        invocation = Invocation(self, socket, route.name, handler, args, packet.ack_id, packet.body if waits else None)
        if waits or handler.is_async or queue is not None:
            self._submit(queue, invocation, size)
        else:
            started = perf_counter()
            invocation.run_now()
            if perf_counter() - started > BLOCKING_SECONDS:
                self._adapter.timers.lag.blocked(invocation.name, perf_counter() - started)

    def refuse_event(self, packet: Event, excess: Excess) -> None:
        """Answer an event that is one too many. Raises like `receive`."""
        name = event_name(decode_array(packet.body)).encode() if packet.name is None else packet.name
        route = self._adapter.table.routes.get(name)
        self.refused(self.socket, excess.reason, excess.detail)
        if route is not None:
            answer_failure(self, self.socket, route.name, route.fallback.on_error, excess.error, packet.ack_id)

    def _find_route(self, body: list[object]) -> Route | None:
        """Find the route of an event that its bytes alone do not tell, or that listeners want to hear first.

        None where there is no more to do for it. Raises like `receive`.
        """
        event, socket, table = event_name(body), self.socket, self._adapter.table
        if table.incoming:
            on_block = self._adapter.timers.lag.blocked
            tell_listeners(table.incoming, socket, event, tuple(body[1:]), which="", on_block=on_block)
        route = table.routes.get(event.encode())
        if route is None and not table.incoming:
            self.refused(socket, "unknown event", f"{event[:100]!r} has no handler")
        return route if self.state == "in" else None  # a listener may have sent it away

    def _must_wait(self, queue: Handler | None) -> bool:
        """Tell whether an event would have to wait for others before it."""
        dispatcher = self._dispatchers.get(queue)
        return dispatcher is not None and dispatcher.full

    def _submit(self, handler: Handler | None, job: Job, size: int) -> None:
        dispatcher = self._dispatchers.get(handler)
        if dispatcher is None:
            limit = 1 if handler is None else handler.concurrency
            lag = self._adapter.timers.lag
            dispatcher = Dispatcher(self._host.tasks.nursery, limit, self._host.event_done, lag.blocked)
            self._dispatchers[handler] = dispatcher
        self._host.event_waits(size)
        dispatcher.submit(job, size)

    def receive_ack(self, packet: Ack) -> None:
        """Take an acknowledgement; one that nobody waits for, or a second one, is ignored.

        Raises:
            RemoteProtocolError: it is not an array.
        """
        body = decode_array(packet.body)
        answers = self._acks.pop(packet.ack_id, None)
        if answers is not None:
            self._host.is_answered()
            answers.take(body)

    # -- what invocations need (see handlers.invocation.Caller) --------------------------------------------------------

    def acknowledge(self, ack_id: int, result: object) -> None:
        """Answer an event: a tuple is several values, None is none.

        Raises:
            LocalProtocolError: the answer cannot be encoded.
        """
        self.send(self._adapter.parser.ack(self.called, ack_id, values_of(result)))

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Tell observers that a handler has ended well."""
        self.observers.handled(socket, event, seconds)

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """Tell observers that a handler or a hook was refused or failed."""
        self.observers.failed(socket, event, error)

    def refused(self, socket: Socket, reason: str, detail: str) -> None:
        """Tell observers, and the log, why something was refused."""
        self.observers.refused(
            RefusalRecord(
                reason=reason,
                detail=detail,
                address=socket.handshake.address,
                namespace=self.namespace,
                socket=self.id,
            )
        )

    def broke_protocol(self, error: RemoteProtocolError) -> None:
        """End the session of a client whose event turned out to be none when its turn came."""
        self.session.fail(error)

    def report_refusal(self, socket: Socket, reason: str, detail: str) -> None:
        """See Socket.report_refusal."""
        self._has_reported = True
        self._login_refused = reason == "token"
        self.refused(socket, reason, detail)

    @property
    def user(self) -> str | None:
        """See Socket.user."""
        return self.allowance.user

    def set_user(self, socket: Socket, user: str) -> None:
        """See Socket.set_user."""
        excess = self._adapter.loop.ask(lambda: self._set_user(socket, user))
        if excess is not None:
            raise excess.error

    def _set_user(self, socket: Socket, user: str) -> Excess | None:
        if user == self.allowance.user:
            return None
        self.allowance = self._host.allowance_of(user)
        excess = self.allowance.join()
        if excess is not None:
            self._turned_away = excess.goes_on
            self.report_refusal(socket, excess.reason, excess.detail)
        return excess

    # -- leaving -----------------------------------------------------------------------------------------------------

    def disconnect(self, *, close: bool) -> None:
        """See Socket.disconnect."""
        self._adapter.loop.run(self._disconnect, close)

    def _disconnect(self, close: bool) -> None:
        if self.state in ("joining", "in"):
            self.session.send(self._adapter.parser.disconnected(self.called))
            self.close("server namespace disconnect")
        if close:
            self._host.disconnect()

    def close(self, reason: DisconnectReason, *, by_client: bool = False) -> None:
        """Take the client out of the namespace: the only way in which a member ends. Idempotent.

        Args:
            reason: why.
            by_client: it leaves by itself; what has arrived from it is still handled. Otherwise that is forgotten, and
                handlers that run are cancelled.
        """
        if self.state in ("leaving", "gone"):
            return
        was_in = self.state == "in"
        if was_in:
            self._rooms = self._where()
            self._adapter.remove(self)
        lingers = was_in and by_client and not self._is_idle
        self.state = follow(MEMBER, self.state, "leave" if lingers else "end" if was_in else "refuse")
        self._host.left(self.called, was_in=was_in)
        self.allowance.give_back()
        self._end_what_needs_the_client()
        for dispatcher in self._dispatchers.values():
            if lingers:
                dispatcher.leave()
            else:
                dispatcher.stop()
        socket = self.socket
        del self.socket  # the two hold each other, and one who has left should not wait to be collected
        if was_in:
            self.observers.left(socket, reason)
        if lingers:
            scope = self._host.tasks.begin_lingering(self._host.leave_grace_seconds)
            self._host.tasks.nursery.start_soon(self._linger, scope, socket, reason)
        elif was_in:
            self._say_farewell(socket, reason)

    def _end_what_needs_the_client(self) -> None:
        """End calls, which will have no answer, waits for receipts, and what runs in the background."""
        for answers in self._acks.values():
            self._host.is_answered()
            answers.gone()
        self._acks.clear()
        if self._receipts is not None:
            self._receipts.close()
        if self._background is not None:
            self._background.end()

    async def _linger(self, scope: trio.CancelScope, socket: Socket, reason: DisconnectReason) -> None:
        """Let handlers end whose client has left, for a while."""
        try:
            if await self._host.tasks.linger(scope, self.wait_idle):
                names = [name for dispatcher in self._dispatchers.values() for name in dispatcher.unfinished]
                logger.warning(
                    "cancelled %s of socket %s: did not end in %s s after the client had left",
                    ", ".join(dict.fromkeys(names)),
                    self.id,
                    self._host.leave_grace_seconds,
                )
        finally:
            for dispatcher in self._dispatchers.values():
                dispatcher.stop()
            self.state = follow(MEMBER, self.state, "end")
            self._say_farewell(socket, reason)

    def _say_farewell(self, socket: Socket, reason: DisconnectReason) -> None:
        """Call the disconnect hooks, as soon as the client's handlers have ended."""
        hooks = self._adapter.table.disconnect
        if not hooks:
            return
        if not self._is_idle:
            self._host.tasks.clean_up(lambda: self._farewell_when_idle(socket, reason))
        elif any(hook.is_async for hook in hooks):
            self._host.tasks.clean_up(lambda: self._farewell(socket, reason))
        else:
            copy_context().run(run_without_waiting, self._farewell(socket, reason))

    async def _farewell_when_idle(self, socket: Socket, reason: DisconnectReason) -> None:
        """Wait for the client's handlers to end; the hooks have their turn also when one takes too long for that."""
        try:
            await self.wait_idle()
        finally:
            self._host.tasks.clean_up(lambda: self._farewell(socket, reason))

    async def _farewell(self, socket: Socket, reason: DisconnectReason) -> None:
        on_block = self._adapter.timers.lag.blocked
        for hook in self._adapter.table.disconnect:
            try:
                await call_hook(hook.call, socket, reason, is_async=hook.is_async, on_block=on_block)
            except Exception as error:
                answer_failure(self, socket, "disconnect", hook.on_error, error, None)

    @property
    def _is_idle(self) -> bool:
        """Whether no handler runs or waits."""
        return all(dispatcher.idle for dispatcher in self._dispatchers.values())

    async def wait_idle(self) -> None:
        """Wait until no handler runs or waits."""
        for dispatcher in list(self._dispatchers.values()):
            await dispatcher.wait_idle()
