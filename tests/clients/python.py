"""python-socketio's client, which blocks and starts threads, wrapped for tests that run on Trio.

async with python_client(url, transports=["polling"], auth={"token": token}) as client:
    await client.emit("greet", "hello")
    event = await client.next("welcome")
    answer = await client.call("sum", 1, 2)
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, final

import requests
import socketio
import trio
import websocket

from tests.clients.deadline import FAILSAFE_SECONDS, ClientError
from tests.clients.wire import Payload

EXIT_SECONDS = 1.0

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PythonEvent:
    """One event of the server, in the namespace it came in."""

    name: str
    args: Sequence[Payload]
    namespace: str


@final
class PythonClient:
    """One connection of python-socketio. Made by `python_client`."""

    def __init__(self, client: socketio.Client) -> None:
        self._client = client
        self._trio = trio.lowlevel.current_trio_token()
        self._waiting = trio.lowlevel.ParkingLot()  # woken by everything that the client's threads report
        self._answers: dict[str, Payload] = {}  # event -> its acknowledgement
        self.events: deque[PythonEvent] = deque()
        """What `next` has not taken yet, oldest first."""

        self.connect_errors: dict[str, Payload] = {}  # namespace -> what the refusal carried
        self.disconnect_reasons: dict[str, str] = {}  # namespace -> the reason the library gives

    @property
    def transport_name(self) -> str:
        """The transport in use."""
        return str(self._client.transport())

    def sid(self, namespace: str = "/") -> str:
        """Return the id the server gave this client in a namespace."""
        return str(self._client.get_sid(namespace))

    async def emit(self, event: str, *args: Payload, namespace: str = "/") -> None:
        """Emit without an acknowledgement."""
        await in_thread(partial(self._client.emit, event, args, namespace=namespace))

    async def call(self, event: str, *args: Payload, namespace: str = "/", timeout_seconds: float = 10.0) -> Payload:
        """Emit and return the acknowledgement as python-socketio does: None, the only value, or a tuple.

        Raises:
            socketio.exceptions.TimeoutError: it did not come.
        """
        send = partial(self._client.call, event, args, namespace=namespace, timeout=timeout_seconds)
        answer: Payload = await in_thread(send)
        return answer

    def answer(self, event: str, value: Payload) -> None:
        """Acknowledge every later event of that name with `value`; a tuple is several values."""
        self._answers[event] = value

    async def next(self, event: str | None = None, *, namespace: str = "/") -> PythonEvent:
        """Take the oldest event of that name that was not taken yet, waiting for it; of any name when None."""
        return await self._wait(partial(self._take_event, event, namespace), f"event {event!r} in {namespace}")

    async def wait_disconnect(self, namespace: str = "/") -> str:
        """Wait until the client has left a namespace and return the reason the library gives."""
        return await self._wait(lambda: self.disconnect_reasons.get(namespace), f"disconnect from {namespace}")

    async def disconnect(self) -> None:
        """Leave all namespaces and close the connection; a second call does nothing."""
        await in_thread(self._client.disconnect)

    def listen(self, namespace: str) -> None:
        """Report everything the library tells about a namespace; before the connection is opened."""
        self._client.on("*", partial(self._received, namespace), namespace)
        self._client.on("connect_error", partial(self._refused, namespace), namespace)
        self._client.on("disconnect", partial(self._left, namespace), namespace)

    # The next four run in threads of the library; what they change is changed in Trio's thread.

    def _received(self, namespace: str, name: str, *args: Payload) -> Payload:
        event = PythonEvent(name=name, args=args, namespace=namespace)
        self._report(partial(self.events.append, event))
        return self._answers.get(name)

    def _refused(self, namespace: str, data: Payload = None) -> None:
        self._report(partial(self.connect_errors.__setitem__, namespace, data))

    def _left(self, namespace: str, reason: str) -> None:
        self._report(partial(self.disconnect_reasons.__setitem__, namespace, reason))

    def _report(self, change: Callable[[], None]) -> None:
        with suppress(trio.RunFinishedError):  # the test is over, nobody is left to tell
            self._trio.run_sync_soon(self._apply, change)

    def _apply(self, change: Callable[[], None]) -> None:
        change()
        self._waiting.unpark_all()

    async def _wait(self, find: Callable[[], T | None], what: str) -> T:
        with trio.move_on_after(FAILSAFE_SECONDS):
            while (found := find()) is None:
                await self._waiting.park()
            return found
        raise ClientError(
            f"no {what}; untaken events: {[event.name for event in self.events]}, "
            f"disconnects: {self.disconnect_reasons}, refusals: {self.connect_errors}"
        )

    def _take_event(self, name: str | None, namespace: str) -> PythonEvent | None:
        for position, event in enumerate(self.events):
            if event.namespace == namespace and name in (None, event.name):
                del self.events[position]
                return event
        return None


@asynccontextmanager
async def python_client(
    url: str,
    *,
    transports: Sequence[str] | None = None,
    auth: Mapping[str, Payload] | None = None,
    namespaces: Sequence[str] = ("/",),
    headers: Mapping[str, str] | None = None,
    path: str = "socket.io",
) -> AsyncIterator[PythonClient]:
    """Connect for the length of the block; the client and its threads are gone afterwards.

    Args:
        url: scheme, host and port.
        transports: None for what the library does by itself: polling, then an upgrade.
        auth: what the CONNECT packets carry.
        namespaces: all are joined before the block is entered.
        headers: added to the HTTP requests.
        path: where the server answers.

    Raises:
        socketio.exceptions.ConnectionError: the server refused, or one of the namespaces did.
    """
    with requests.Session() as session, closing(WebSocketFactory()) as websocket_factory:
        session.trust_env = False  # no proxy of the machine between the test and its server
        client = socketio.Client(
            reconnection=False,
            handle_sigint=False,
            http_session=session,
            websocket_extra_options={"class_": websocket_factory},
        )
        wrapped = PythonClient(client)
        for namespace in namespaces:
            wrapped.listen(namespace)
        connect = partial(
            client.connect,
            url,
            headers=dict(headers or {}),
            auth=dict(auth) if auth is not None else None,
            transports=list(transports) if transports is not None else None,
            namespaces=list(namespaces),
            socketio_path=path,
            wait_timeout=10,
        )
        try:
            await in_thread(connect)
            yield wrapped
        finally:
            with trio.move_on_after(EXIT_SECONDS, shield=True):
                await finish(client)


@final
class WebSocketFactory:
    """Makes the library's WebSockets, to close those that it leaves open when the server ends a connection."""

    def __init__(self) -> None:
        self._made: list[websocket.WebSocket] = []

    def __call__(self, **options: object) -> websocket.WebSocket:
        """Make one, as `class_` of `websocket.create_connection`."""
        self._made.append(websocket.WebSocket(**options))
        return self._made[-1]

    def close(self) -> None:
        """Close all sockets; the library's own threads have ended or are left behind."""
        for connection in self._made:
            connection.shutdown()


async def finish(client: socketio.Client) -> None:
    """Disconnect and wait for the library's threads.

    They can hang when the server disconnects two namespaces at once (the library changes a dictionary while it walks
    over it). They are daemon threads, and the caller sets a deadline after which they are left alone.
    """
    await in_thread(client.disconnect)
    await in_thread(client.eio.wait)


async def in_thread(work: Callable[[], T]) -> T:
    """Run a blocking call of the library; a cancelled test leaves its thread behind rather than waiting for it."""
    with trio.move_on_after(FAILSAFE_SECONDS):
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    raise ClientError(f"a call of python-socketio took more than {FAILSAFE_SECONDS} seconds: {work}")
