"""The Chrome DevTools Protocol, as far as the tests need it: calls with answers, and events by session.

Source: https://chromedevtools.github.io/devtools-protocol/ (`Target` with flat sessions, `Runtime`, `Page`, `Log`).
A page, a worker or a frame is a target; one speaks to it in a session.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, NewType, TypeAlias, TypeVar, final
from urllib.parse import urlsplit

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from tests.clients.deadline import FAILSAFE_SECONDS, ClientError, raise_only

SessionId = NewType("SessionId", str)

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024  # what a page's script returns comes in one

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


@final
class Failure(msgspec.Struct, frozen=True):
    """Why a call failed."""

    message: str
    data: str = ""


@final
class Nothing(msgspec.Struct, frozen=True):
    """An answer whose contents do not matter."""


@final
class Incoming(msgspec.Struct, frozen=True):
    """What the browser sends: the answer to a call if it has an id, else an event."""

    id: int | None = None
    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: Failure | None = None
    sessionId: SessionId | None = None  # noqa: N815 - the protocol's name


Listener: TypeAlias = Callable[[Incoming], None]


@final
class DevTools:
    """A connection to a browser."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._ids = count(1)
        self._answers: dict[int, Incoming | None] = {}  # id of a call that waits -> its answer, once it is there
        self._listeners: dict[SessionId, Listener] = {}
        self._news = trio.lowlevel.ParkingLot()  # woken by every message, and by the end
        self._ended = False

    def listen(self, session: SessionId, listener: Listener) -> None:
        """Give the events of a session to a plain function."""
        self._listeners[session] = listener

    async def call(self, method: str, answer: type[A], session: SessionId | None = None, **params: object) -> A:
        """Call a method of the protocol and wait for its answer.

        Raises:
            ClientError: the browser refuses, is gone, or does not answer.
        """
        number = next(self._ids)
        self._answers[number] = None
        try:
            await self._send(number, method, session, params)
            found = await self.wait_for(lambda: self._answers[number], f"no answer to {method}")
        finally:
            del self._answers[number]
        if found.error is not None:
            raise ClientError(f"{method}: {found.error.message} {found.error.data}")
        return msgspec.json.decode(found.result, type=answer)

    async def tell(self, method: str, session: SessionId) -> None:
        """Call a method after which nobody is left who could answer."""
        await self._send(next(self._ids), method, session, {})

    async def wait_for(self, find: Callable[[], T | None], missing: str) -> T:
        """Give what `find` finds, looking again after every message.

        Raises:
            ClientError: nothing was found in time, or the browser is gone.
        """
        with trio.move_on_after(FAILSAFE_SECONDS):
            while (found := find()) is None and not self._ended:
                await self._news.park()
            if found is not None:
                return found
        raise ClientError(f"{missing}{'; the browser is gone' if self._ended else ''}")

    async def read(self) -> None:
        """Hand out what comes, until the browser or the test ends."""
        try:
            while True:
                self._take(msgspec.json.decode(await self._connection.get_message(), type=Incoming))
                self._news.unpark_all()
        except ConnectionClosed:
            self._ended = True
            self._news.unpark_all()

    def _take(self, message: Incoming) -> None:
        if message.id is not None:
            if message.id in self._answers:
                self._answers[message.id] = message
        elif message.sessionId is not None and message.sessionId in self._listeners:
            self._listeners[message.sessionId](message)

    async def _send(self, number: int, method: str, session: SessionId | None, params: Mapping[str, object]) -> None:
        call = {"id": number, "method": method, "params": params}
        if session is not None:
            call["sessionId"] = session
        try:
            await self._connection.send_message(msgspec.json.encode(call).decode())
        except ConnectionClosed as error:
            raise ClientError(f"no browser for {method}") from error


@asynccontextmanager
async def open_devtools(address: str) -> AsyncGenerator[DevTools, None]:
    """Connect for the length of the block. What was made on the connection to go with it goes."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    with raise_only():
        # The stream is ours, as trio-websocket leaves it open where a test is cancelled.
        async with await trio.open_tcp_stream(parts.hostname, parts.port) as stream, trio.open_nursery() as nursery:
            connection = await wrap_client_stream(
                nursery, stream, parts.netloc, parts.path, max_message_size=MAX_MESSAGE_BYTES
            )
            devtools = DevTools(connection)
            nursery.start_soon(devtools.read)
            yield devtools
            nursery.cancel_scope.cancel()
