"""A client in a namespace: what handlers, hooks and middleware are given."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVarTuple, final

from slysock.handlers.functions import is_coroutine_function, name_of
from slysock.handlers.invocation import after_ack
from slysock.ids import RoomName, SocketId
from slysock.request import Handshake

if TYPE_CHECKING:  # for the signatures of what users hold, against the direction of all other imports
    from slysock.socketio.broadcast import Broadcast
    from slysock.socketio.namespace import Namespace

P = ParamSpec("P")
Ts = TypeVarTuple("Ts")


class Seat(Protocol):
    """The server's side of a socket: a Member."""

    @property
    def state(self) -> str:
        """One of MemberState."""
        ...

    @property
    def rooms(self) -> frozenset[RoomName]:
        """See Socket.rooms."""
        ...

    def join(self, rooms: tuple[str, ...]) -> None:
        """See Socket.join."""

    def leave(self, rooms: tuple[str, ...]) -> None:
        """See Socket.leave."""

    def emit(self, event: str, args: tuple[object, ...]) -> None:
        """See Socket.emit."""

    async def call(self, event: str, args: tuple[object, ...], timeout_seconds: float) -> object:
        """See Socket.call."""

    @property
    def waiting_bytes(self) -> int:
        """See Socket.waiting_bytes."""
        ...

    async def wait_drained(self, below: int) -> None:
        """See Socket.drained."""

    def when_received(self, call: Callable[[bool], object]) -> None:
        """See Socket.when_received."""

    async def wait_received(self) -> None:
        """See Socket.received."""

    def start_soon(self, routine: Callable[[], Awaitable[object]]) -> None:
        """See Socket.start_soon."""

    def disconnect(self, *, close: bool) -> None:
        """See Socket.disconnect."""

    @property
    def user(self) -> str | None:
        """See Socket.user."""
        ...

    def set_user(self, socket: "Socket", user: str) -> None:
        """See Socket.set_user."""

    def report_refusal(self, socket: "Socket", reason: str, detail: str) -> None:
        """See Socket.report_refusal."""


@final
class Socket:
    """One client in one namespace. Handlers, hooks and middleware get it as their first argument.

    May be used from any thread: what returns nothing is handed to the server's event loop, which does it soon and in
    order; what has to be awaited can only be awaited there. Calls from other threads raise RuntimeError once the server
    has ended, or when too much waits for its loop.

    Attributes:
        id: names the client in this namespace; public, unlike the id of its session.
        namespace: where it is.
        handshake: how it introduced itself.
        data: the application's own, kept as long as the client is there.
    """

    __slots__ = ("_seat", "data", "handshake", "id", "namespace")

    def __init__(self, seat: Seat, socket_id: SocketId, namespace: "Namespace", handshake: Handshake) -> None:
        self.id = socket_id
        self.namespace = namespace
        self.handshake = handshake
        self.data: dict[str, object] = {}
        self._seat = seat

    def __repr__(self) -> str:
        return f"<Socket {self.id} in {self.namespace.name!r}>"

    # -- who it is ---------------------------------------------------------------------------------------------------

    @property
    def user(self) -> str | None:
        """Whose client this is, as far as the application has said."""
        return self._seat.user

    def set_user(self, user: str | int) -> None:
        """Say whose client this is: all clients of one user share what `Config.user_events_per_second` allows.

        Middleware is the place, or a connect hook, where what it raises keeps the client out. The server makes nothing
        else of it; 5 and "5" are one user.

        Raises:
            RateLimited: the user joins too often. To say the same again is no joining.
        """
        self._seat.set_user(self, str(user))

    # -- rooms -------------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the client is in the namespace."""
        return self._seat.state == "in"

    @property
    def joining(self) -> bool:
        """Whether it has not been decided yet if the client is let in."""
        return self._seat.state == "joining"

    @property
    def gone(self) -> bool:
        """Whether the client has left, or was not let in."""
        return self._seat.state in ("leaving", "gone")

    @property
    def rooms(self) -> frozenset[RoomName]:
        """The rooms that the client is in, its own id among them; when it has left, those that it was in."""
        return self._seat.rooms

    def join(self, *rooms: str) -> None:
        """Put the client into rooms. In middleware, it is in them as soon as it is let in.

        Raises:
            Refusal: more than 10 000, or a name of more than 512 characters; it is in none of them then.
        """
        self._seat.join(rooms)

    def leave(self, *rooms: str) -> None:
        """Take the client out of rooms."""
        self._seat.leave(rooms)

    # -- speaking ----------------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: object) -> None:
        """Send an event to this client. Never waits; forgotten when the client has left.

        Raises:
            LocalProtocolError: the event cannot be encoded.
        """
        self._seat.emit(event, args)

    async def call(self, event: str, *args: object, timeout: float = 5) -> object:  # noqa: ASYNC109 - the fixed API
        """Send an event to this client and wait for its acknowledgement. Its further events are read meanwhile.

        Returns:
            None for an empty acknowledgement, its one value, or a tuple of several.

        Raises:
            AckTimeout: none came in `timeout` seconds.
            Disconnected: none will come, the client has left.
            LocalProtocolError: the event cannot be encoded.
        """
        return await self._seat.call(event, args, timeout)

    @property
    def waiting_bytes(self) -> int:
        """How much waits for the client's connection to take it; all its namespaces together. 0 when it has left."""
        return self._seat.waiting_bytes

    async def drained(self, below: int = 1_048_576) -> None:
        """Wait until fewer bytes than `below` wait for the client: between the pieces of something large.

        Raises:
            Disconnected: the client has left.
            ValueError: `below` is less than 1.
        """
        if below < 1:
            raise ValueError(f"below must be at least 1, not {below}: fewer bytes than none cannot wait")
        await self._seat.wait_drained(below)

    async def received(self) -> None:
        """Wait until the client has received all that has been sent to it so far.

        Proved by the client's pong to a ping that is sent behind it (Engine.IO protocol v4, "Heartbeat"): stock clients
        answer each at once and in order. So it is in the client's *program*; whether its handlers have run, only the
        acknowledgement of `call` tells. A volatile event that was left out has not been sent, and is not waited for.

        Has no deadline of its own: the heartbeat ends it for a client that is silent. Pings are paced, eight at once
        and then one a second, and may serve many who wait.

        Raises:
            Disconnected: the client has left this namespace, or was disconnected; it may have received all of it or
                nothing. So wait before `disconnect` where it matters.
            RuntimeError: in middleware, where nothing is sent yet.
        """
        await self._seat.wait_received()

    def when_received(self, call: Callable[[bool], object]) -> None:
        """Make a plain call when the client has received all that has been sent to it so far: `call(True)`.

        The proof is that of `received`; `call(False)` where there will be none, which is at once for a client that has
        left. The call is made once, in the server's loop and in the context of the caller, whatever becomes of them:
        use it for what must be noted even if the handler is cancelled. What it raises is logged.

        Raises:
            RuntimeError: in middleware, where nothing is sent yet.
            TypeError: it is a coroutine function, which nobody would wait for.
        """
        if is_coroutine_function(call):
            raise TypeError(f"{name_of(call)} must be a plain function: nothing waits for it; see socket.received")
        self._seat.when_received(call)

    @property
    def volatile(self) -> "Broadcast":
        """This client, if it can take an event right now."""
        return self.namespace.to(self.id).volatile

    @property
    def broadcast(self) -> "Broadcast":
        """Everybody else in the namespace."""
        return self.namespace.except_(self.id)

    def to(self, *rooms: str) -> "Broadcast":
        """Everybody else in one of these rooms."""
        return self.namespace.to(*rooms).except_(self.id)

    def except_(self, *rooms: str) -> "Broadcast":
        """Everybody else who is in none of these rooms."""
        return self.namespace.except_(self.id, *rooms)

    def after_ack(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Make a plain call as soon as the acknowledgement of the running handler is on its way to this client.

        For what others may only learn once the sender has its answer: persist, acknowledge, then emit. Where the
        handler fails the call is not made; where nobody asked for an acknowledgement it is made when the handler ends.
        What it raises is logged.

        Raises:
            RuntimeError: no handler is running.
            TypeError: it is a coroutine function, which nobody would wait for; see `start_soon`.
        """
        if is_coroutine_function(call):
            raise TypeError(f"{name_of(call)} must be a plain function: nothing waits for it; see socket.start_soon")
        after_ack(lambda: call(*args, **kwargs))

    def start_soon(self, routine: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Run something for this client in the background, cancelled when it leaves; for one who has left, nothing.

        Events do not wait for it. What it raises is logged, and goes to no error hook.
        """
        self._seat.start_soon(partial(routine, *args))

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace; with `close`, from all, and close its connection.

        Its handlers are cancelled, the caller among them if it is one. Clients do not reconnect by themselves after
        this. What was emitted before still arrives.
        """
        self._seat.disconnect(close=close)

    def report_refusal(self, reason: str, detail: str) -> None:
        """Tell observers, and the log at level DEBUG, that the application refuses this client something.

        Args:
            reason: why, in a word, such as `token`.
            detail: why, in more words. No secrets: no token, no cookie.
        """
        self._seat.report_refusal(self, reason, detail)
