"""Where an application's hooks are called, and whoever wants to know is told what was refused; see `EngineHooks`."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

import msgspec
import trio

from slysock.engineio.hooks import AnswerHeaders, EngineHooks, HeadersHook, RefusedRequest
from slysock.errors import ConnectionRefused, RefusalRecord
from slysock.handlers.blocking import OnBlock, call_timed
from slysock.handlers.functions import Function, is_coroutine_function, name_of
from slysock.handlers.hooks import ask
from slysock.http import Request
from slysock.http.head import Head
from slysock.request import EngineRequest, read_headers, read_query
from slysock_protocol.engineio import HandshakeError

logger = logging.getLogger("slysock")

Headers = list[tuple[bytes, bytes]]

_FORBIDDEN: Final = HandshakeError.FORBIDDEN
_BAD: Final = HandshakeError.BAD_REQUEST
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VALUE: Final = re.compile(r"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")  # section 5.5
_OURS: Final = frozenset(
    {
        *("connection", "content-encoding", "content-length", "content-type", "date", "transfer-encoding", "upgrade"),
        *("access-control-allow-credentials", "access-control-allow-origin"),
    }
)
"""What the server says itself, and clients would choke on if it was said twice; likewise all that begins with
Sec-WebSocket."""


@final
class No(msgspec.Struct, frozen=True, kw_only=True):
    """A hook's refusal, as the client gets it."""

    error: HandshakeError
    status: int
    message: str
    detail: str


@final
class Gate:
    """Calls the hooks of one server.

    Args:
        hooks: what has been registered.
        refused: told of everything that is refused, requests among them.
        seconds: how long middleware may take for one request, and `allow_request`.
        on_block: told of hooks that block.
    """

    def __init__(
        self, hooks: EngineHooks, refused: Callable[[RefusalRecord], None], seconds: float, on_block: OnBlock
    ) -> None:
        self._hooks = hooks
        self._refused = refused
        self._seconds = seconds
        self._on_block = on_block

    @property
    def asks(self) -> bool:
        """Whether a hook is asked before a session is opened."""
        return bool(self._hooks.middleware or self._hooks.allowing)

    async def ask_middleware(self, request: Request) -> No | None:
        """Show a request to the middleware, and keep the headers that it adds for whatever answers the request."""
        if not self._hooks.middleware:
            return None
        headers: AnswerHeaders = {}
        no = await self._ask(self._hooks.middleware, describe(request.head), headers)
        try:
            request.extra_headers = encoded(headers)
        except Exception:  # an application may put anything into them
            logger.exception("the headers of Engine.IO middleware cannot be sent")
        return no

    async def ask_allowed(self, opening: EngineRequest) -> No | None:
        """Ask whether a session may be opened."""
        return await self._ask(self._hooks.allowing, opening) if self._hooks.allowing else None

    async def _ask(self, hooks: Sequence[Function], *arguments: object) -> No | None:
        """Ask one hook after the other, until one says no."""
        deadline = trio.current_time() + self._seconds
        for hook in hooks:
            name = name_of(hook)
            try:
                with trio.fail_at(deadline):
                    await ask(
                        hook,
                        *arguments,
                        is_async=is_coroutine_function(hook),
                        refused_text=_FORBIDDEN.message,
                        on_block=self._on_block,
                    )
            except ConnectionRefused as refusal:
                message = refusal.message or _FORBIDDEN.message
                return No(error=_FORBIDDEN, status=403, message=message, detail=f"{name} refused it")
            except Exception:  # the boundary of an application's hook
                logger.exception("the Engine.IO hook %s failed", name)
                return No(error=_BAD, status=400, message=_BAD.message, detail=f"{name} failed")
        return None

    def headers_for(self, request: Head) -> Headers:
        """Ask what a good answer carries beside what it needs."""
        if not self._hooks.initial_headers and not self._hooks.headers:
            return []
        described = describe(request)
        initial = self._hooks.initial_headers if described.is_handshake else []
        return [header for hook in (*initial, *self._hooks.headers) for header in self._headers_of(hook, described)]

    def _headers_of(self, hook: HeadersHook, described: EngineRequest) -> Headers:
        headers: AnswerHeaders = {}
        try:
            call_timed(self._on_block, hook, described, headers)
            return encoded(headers)
        except Exception:  # the answer is none the worse for it
            logger.exception("the Engine.IO hook %s failed", name_of(hook))
            return []

    def tell(
        self, request: Request, *, status: int, error: HandshakeError | None, message: str, reason: str, detail: str
    ) -> None:
        """Tell that a request was refused."""
        self._refused(RefusalRecord(reason=reason, detail=detail, address=request.peer))
        if not self._hooks.connection_error:
            return
        code = None if error is None else error.code
        refused = RefusedRequest(
            request=describe(request.head), status=status, code=code, message=message, reason=reason, detail=detail
        )
        for hook in self._hooks.connection_error:
            try:
                call_timed(self._on_block, hook, refused)
            except Exception:
                logger.exception("the Engine.IO hook %s failed", name_of(hook))


def encoded(headers: AnswerHeaders) -> Headers:
    """Write headers as they are sent.

    Raises:
        ValueError: a name or a value that is none, or a header that the server sends itself.
    """
    pairs = [(name, [value] if isinstance(value, str) else value) for name, value in headers.items()]
    return [_encoded(name, value) for name, values in pairs for value in values]


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    lower = name.lower()
    if not _NAME.fullmatch(name) or lower in _OURS or lower.startswith("sec-websocket"):
        raise ValueError(f"a hook cannot set the header {name!r}")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"what a hook gave is no value of the header {name!r}")
    return name.encode("ascii"), value.encode("latin-1")


def describe(request: Head, parameters: Mapping[str, str] | None = None) -> EngineRequest:
    """Say what hooks, and the layers above, know of a request.

    Args:
        request: its head.
        parameters: its query, where that has been read already; of one with too many parameters, none are told.
    """
    if parameters is None:
        try:
            parameters = read_query(request.query_string)
        except ValueError:
            parameters = {}
    return EngineRequest(
        method=request.method,
        headers=read_headers(request.headers),
        query=parameters,
        address=request.peer,
        secure=request.secure,
        url=request.target.decode("latin-1"),
    )
