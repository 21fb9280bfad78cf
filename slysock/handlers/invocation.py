"""One call of one handler: its arguments, its acknowledgement, and what goes wrong in it."""

import logging
from collections.abc import Awaitable, Callable, Sized
from contextvars import ContextVar
from types import CoroutineType
from typing import Generic, Protocol, TypeVar, cast, final

import trio

from slysock.errors import ConnectionRefused, InvalidPayload, RateLimited, Refusal, out_of_group
from slysock.handlers.functions import Function
from slysock.handlers.handler import NO_ACK, Handler
from slysock.handlers.hooks import Routine, refuse_coroutine
from slysock.ids import SocketId
from slysock_protocol.errors import LocalProtocolError, RemoteProtocolError
from slysock_protocol.socketio import Body

logger = logging.getLogger("slysock")

S = TypeVar("S")  # what handlers are given: a Socket, of which this module need not know more
S_contra = TypeVar("S_contra", contravariant=True)


class Caller(Protocol[S_contra]):
    """The client whose event it is, as the server sees it."""

    @property
    def id(self) -> SocketId:
        """Its id, for the log."""
        ...

    @property
    def observers(self) -> "Watched":
        """Who is told by `handled` and `failed`; nobody, and the time is not taken."""
        ...

    def acknowledge(self, ack_id: int, result: object) -> None:
        """Answer an event; see Member.acknowledge.

        Raises:
            LocalProtocolError: the answer cannot be encoded.
        """

    def handled(self, socket: S_contra, event: str, seconds: float) -> None:
        """Tell observers that a handler has ended well."""

    def failed(self, socket: S_contra, event: str, error: Exception) -> None:
        """Tell observers that it has not."""

    def refused(self, socket: S_contra, reason: str, detail: str) -> None:
        """Tell observers, and the log, why something was refused."""

    def broke_protocol(self, error: RemoteProtocolError) -> None:
        """End the session: an event turned out to be none when its turn came."""


class Watched(Protocol):
    """Those who are told, if any."""

    @property
    def each(self) -> Sized:
        """All of them."""
        ...


class _Running(Protocol):
    """What `after_ack` needs of an invocation."""

    afterwards: list[Callable[[], object]] | None
    finished: bool


_running: ContextVar[_Running | None] = ContextVar("running", default=None)


def after_ack(call: Callable[[], object]) -> None:
    """Make a plain call as soon as the acknowledgement of the running handler is on its way.

    Dropped where the handler fails. Outside a handler, or in one whose client does not wait for an acknowledgement, the
    order is the same: after the handler has returned.

    What it raises is logged; the other calls are made all the same.

    Raises:
        RuntimeError: no handler is running.
    """
    running = _running.get()
    if running is None or running.finished:  # finished: in a task that the handler started, and that outlives it
        raise RuntimeError("no handler is running")
    if running.afterwards is None:
        running.afterwards = []
    running.afterwards.append(call)


@final
class Invocation(Generic[S]):
    """A handler about to run for one event of one client.

    Where the event has to wait for its turn, it comes with its `body` in place of `args`, decoded when that has come:
    what waits takes no more memory than its bytes, of which `[[],[],…]` makes 25 times as many.

    `socket` is what the handler is given; it is held here because the client may leave while the event waits.
    """

    times_itself = False

    __slots__ = (
        "_ack_id",
        "_args",
        "_body",
        "_caller",
        "_event",
        "_handler",
        "_since",
        "_socket",
        "afterwards",
        "finished",
    )

    def __init__(
        self,
        caller: Caller[S],
        socket: S,
        event: str,
        handler: Handler,
        args: tuple[object, ...],
        ack_id: int | None,
        body: Body | None = None,
    ) -> None:
        self._caller = caller
        self._socket = socket
        self._event = event
        self._handler = handler
        self._args = args
        self._body = body
        self._ack_id = ack_id
        self._since = trio.current_time() if caller.observers.each else 0.0
        self.afterwards: list[Callable[[], object]] | None = None  # what shall be done behind the acknowledgement
        self.finished = False

    @property
    def name(self) -> str:
        """The name of the handler."""
        return self._handler.signature.name

    @property
    def until_disconnect(self) -> bool:
        """Whether it is of no use once its client has left."""
        return self._handler.until_disconnect

    def run_now(self) -> None:
        """Run a plain handler."""
        _running.set(self)
        try:
            result = self._handler.call(self._socket, *self._args)
            if isinstance(result, CoroutineType):
                refuse_coroutine(cast("Routine", result))
            self._finish(result)
        except Exception as error:  # the boundary of one handler: nobody else notices
            self._fail(error)
        self.finished = True

    async def run(self) -> None:
        """Run either kind of handler, in a dispatcher. Cancelled, it answers nothing."""
        if self._body is not None and not self._bind(self._body):
            return
        if not self._handler.is_async:
            self.run_now()
            return
        _running.set(self)
        try:
            result = self._handler.call(self._socket, *self._args)
            if isinstance(result, Awaitable):  # a wrapper of a coroutine function may have seen to that itself
                result = await cast("Awaitable[object]", result)
            self._finish(result)
        except Exception as error:  # the boundary of one handler: nobody else notices
            self._fail(error)
        except BaseExceptionGroup as group:  # a nursery of the handler's was cancelled, and its clean-up failed
            errors, rest = group.split(Exception)
            if errors is not None:
                self._fail(errors)
            if rest is not None:
                raise rest from None
        finally:
            self.finished = True

    def _bind(self, body: Body) -> bool:
        """Decode the arguments; False where they do not fit, which has been answered then."""
        self._body = None
        try:
            self._args = self._handler.signature.bind(body)
        except RemoteProtocolError as error:
            self._caller.broke_protocol(error)
        except Exception as error:  # InvalidPayload; or a bug in a type of the application's
            self._fail(error)
        else:
            return True
        self.finished = True
        return False

    def _finish(self, result: object) -> None:
        if self._ack_id is not None and result is not NO_ACK:
            self._caller.acknowledge(self._ack_id, result)
            self._ack_id = None  # nothing is acknowledged twice, whatever goes wrong behind it
        for call in self.afterwards or ():
            try:
                call()
            except Exception:  # the answer has been given, and what others are told is none the worse for one of them
                logger.exception("what was to follow the acknowledgement of %r failed", self._event)
        if self._caller.observers.each:
            self._caller.handled(self._socket, self._event, trio.current_time() - self._since)

    def _fail(self, error: Exception) -> None:
        answer_failure(self._caller, self._socket, self._event, self._handler.on_error, error, self._ack_id)


def answer_failure(
    caller: Caller[S], socket: S, event: str, on_error: Function | None, error: Exception, ack_id: int | None
) -> None:
    """Log what is not expected, and answer by the router's error hook or without internals."""
    error = out_of_group(error)
    caller.failed(socket, event, error)
    if isinstance(error, InvalidPayload):
        caller.refused(socket, "payload", f"{event!r} does not fit its handler: {error.place or 'its arguments'}")
    elif not isinstance(error, Refusal | ConnectionRefused):
        _log_failure(event, caller.id, error)
    try:
        answer = on_error(socket, event, error) if on_error is not None else _public_answer(error)
        if ack_id is not None and answer is not NO_ACK:
            caller.acknowledge(ack_id, answer)
    except Exception:  # the hook's own failure must not reach the connection either
        logger.exception("the error hook for %r failed for socket %s", event, caller.id)


def _log_failure(event: str, socket_id: str, error: Exception) -> None:
    """Log an error with its traceback; what cannot be sent says all that there is to say in its line."""
    is_told = isinstance(error, LocalProtocolError) and not logger.isEnabledFor(logging.DEBUG)
    text = f": {error}" if isinstance(error, LocalProtocolError) else ""
    logger.error(
        "the handler of %r failed for socket %s%s", event, socket_id, text, exc_info=None if is_told else error
    )


def _public_answer(error: Exception) -> dict[str, object]:
    match error:
        case InvalidPayload():
            return {"error": f"Invalid payload: {error}"}
        case RateLimited(retry_after_seconds=seconds):
            return {"error": str(error), "retryAfter": seconds}
        case Refusal():
            return {"error": str(error)}
        case _:
            return {"error": "Internal error"}
