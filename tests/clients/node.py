"""Stock socket.io-client sockets on Node, scripted from a test.

    async with node_clients() as node:
        client = await node.connect(url, namespace="/chat", auth={"token": token}, transports=["websocket"])
        await client.emit("greet", "hello")
        event = await client.next("welcome")
        answer = await client.call("sum", 1, 2)

One Node process holds all clients of a test; it ends with the `async with` block, however that ends.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeVar, final

from tests.clients.driver import Driver, running_driver
from tests.clients.wire import Payload, Report, command_line

TransportNames = Sequence[str]
T = TypeVar("T")


class ConnectError(Exception):
    """A namespace or the server refused a client: its `connect_error` event, with the error's message and data."""

    def __init__(self, message: str, data: Payload = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class CallError(Exception):
    """An acknowledgement did not come: the time was over, or the client was disconnected."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """One event of the server, as the client's listeners get it."""

    name: str
    args: Sequence[Payload]
    ack_number: int | None
    """Known to the driver; None when the server asked for no acknowledgement."""

    client: "NodeClient"

    async def ack(self, *args: Payload) -> None:
        """Acknowledge the event; the server must have asked for it."""
        assert self.ack_number is not None, f"the server asked for no acknowledgement of {self.name}"
        await self.client.command("ack", ack=self.ack_number, args=args)


@final
class NodeClient:
    """One socket.io-client socket. Made by NodeClients.connect and NodeClient.join."""

    def __init__(self, driver: Driver) -> None:
        self.id = driver.add_listener(self.take_report)
        self.connected = False
        self.sid: str | None = None
        self.recovered: bool | None = None
        self.transport_name: str | None = None
        """The transport when the namespace was joined, and after an upgrade the new one."""

        self.upgraded = False
        self.connect_error: ConnectError | None = None
        self.disconnect_reason: str | None = None
        """The last one; None again after a new connect."""

        self.events: deque[ReceivedEvent] = deque()
        """What `next` has not taken yet, oldest first."""

        self._driver = driver
        self._sequence = count(1)
        self._answers: dict[int, Sequence[Payload] | CallError] = {}  # seq -> what came for it

    def __repr__(self) -> str:
        waiting = [event.name for event in self.events]
        return (
            f"<NodeClient {self.id} connected={self.connected} connect_error={self.connect_error!r} "
            f"disconnect_reason={self.disconnect_reason!r} transport={self.transport_name} events={waiting}>"
        )

    async def emit(self, event: str, *args: Payload, volatile: bool = False) -> None:
        """Emit without an acknowledgement; returns when the command is on its way to the client."""
        await self.command("emit", event=event, args=args, volatile=volatile)

    async def burst(self, *events: Sequence[Payload], end: str | None = None) -> None:
        """Emit events, each a name and its arguments, and end, all in one turn of the client's event loop.

        Args:
            events: what to emit, in order.
            end: `disconnect` leaves the namespace, `cut` closes the connection below; None does neither.
        """
        await self.command("burst", events=events, end=end)

    async def call(self, event: str, *args: Payload, timeout_seconds: float = 10.0) -> Sequence[Payload]:
        """Emit and return what the server acknowledged with: all its values, none for an empty acknowledgement.

        Raises:
            CallError: no acknowledgement came.
        """
        return await self._ask("call", event=event, args=args, timeout=round(timeout_seconds * 1000))

    async def next(self, event: str | None = None) -> ReceivedEvent:
        """Take the oldest event of that name that was not taken yet, waiting for it; of any name when None."""
        return await self._wait(partial(self._take_event, event), f"event {event!r}" if event else "event")

    async def next_args(self, event: str) -> Sequence[Payload]:
        """Like `next`, for its arguments alone."""
        return (await self.next(event)).args

    async def wait_connect(self) -> None:
        """Wait until the namespace is joined.

        Raises:
            ConnectError: it was refused.
        """
        await self._wait(lambda: self.connect_error or self.connected or None, "connect")
        if self.connect_error is not None:
            raise self.connect_error

    async def wait_connect_error(self) -> ConnectError:
        """Wait for a refusal."""
        return await self._wait(lambda: self.connect_error, "connect_error")

    async def wait_disconnect(self) -> str:
        """Wait until the client is disconnected and return the reason that socket.io-client gives."""
        return await self._wait(lambda: self.disconnect_reason, "disconnect")

    async def wait_upgrade(self) -> str:
        """Wait until the connection has changed its transport and return the new one's name."""
        return await self._wait(lambda: self.transport_name if self.upgraded else None, "upgrade")

    async def join(
        self, namespace: str, *, auth: Mapping[str, Payload] | None = None, wait: bool = True
    ) -> "NodeClient":
        """Join one more namespace over this client's connection; `wait` as in NodeClients.connect."""
        client = NodeClient(self._driver)
        await client.command("join", on=self.id, namespace=namespace, options=given(auth=auth))
        if wait:
            await client.wait_connect()
        return client

    async def open(self) -> None:
        """Connect again after a disconnect; `wait_connect` is what to wait for."""
        self.connect_error = None
        self.disconnect_reason = None
        await self.command("open")

    async def disconnect(self) -> None:
        """Leave the namespace; the connection closes when it was the last one."""
        await self.command("disconnect")

    async def cut(self, *, abrupt: bool = False) -> None:
        """Close the connection below all namespaces; `abrupt` resets a WebSocket without a close frame."""
        await self.command("cut", abrupt=abrupt)

    async def current_transport(self) -> str | None:
        """Ask the client which transport it uses now; None when it has no connection."""
        (state,) = await self._ask("state")
        assert isinstance(state, Mapping)
        name = state["transport"]
        assert isinstance(name, str | None)
        return name

    async def command(self, operation: str, **fields: Payload) -> None:
        """Send the driver one command about this client."""
        await self._driver.send(command_line(op=operation, id=self.id, **fields))

    def take_report(self, report: Report) -> None:
        """Note one report of the driver."""
        match report.kind:
            case "connect":
                self.connected, self.disconnect_reason, self.connect_error = True, None, None
                self.sid, self.transport_name, self.recovered = report.sid, report.transport, report.recovered
            case "connect_error":
                self.connect_error = ConnectError(report.message, report.data)
            case "disconnect":
                self.connected, self.disconnect_reason = False, report.reason
            case "event":
                event = ReceivedEvent(name=report.event, args=report.args, ack_number=report.ack, client=self)
                self.events.append(event)
            case "upgrade":
                self.upgraded, self.transport_name = True, report.transport
            case "reply":
                self._answers[report.seq] = report.args
            case "failure":
                self._answers[report.seq] = CallError(report.message)
            case unknown:
                raise AssertionError(f"the driver reported {unknown!r}")

    async def _ask(self, operation: str, **fields: Payload) -> Sequence[Payload]:
        seq = next(self._sequence)
        await self.command(operation, seq=seq, **fields)
        take = partial(self._take_answer, seq)
        answer: Sequence[Payload] | CallError = await self._wait(take, f"answer to {operation}")
        if isinstance(answer, CallError):
            raise answer
        return answer

    async def _wait(self, find: Callable[[], T | None], what: str) -> T:
        return await self._driver.wait_for(find, lambda: f"no {what} for {self!r}")

    def _take_answer(self, seq: int) -> Sequence[Payload] | CallError | None:
        return self._answers.pop(seq, None)

    def _take_event(self, name: str | None) -> ReceivedEvent | None:
        for position, event in enumerate(self.events):
            if name is None or event.name == name:
                del self.events[position]
                return event
        return None


@final
class NodeClients:
    """Where a test gets its clients from."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def connect(
        self,
        url: str,
        *,
        namespace: str = "/",
        wait: bool = True,
        auth: Mapping[str, Payload] | None = None,
        transports: TransportNames | None = None,
        options: Mapping[str, Payload] | None = None,
    ) -> NodeClient:
        """Open a connection and join a namespace on it.

        Args:
            url: scheme, host and port, without a path.
            namespace: the namespace to join first; NodeClient.join joins more.
            wait: return when the namespace is joined; otherwise at once, for a test that looks on.
            auth: what the CONNECT packet carries.
            transports: None for what socket.io-client does by itself: polling, then an upgrade.
            options: other options of socket.io-client, by their JavaScript names. `parser: "msgpack"` stands for
                socket.io-msgpack-parser; `reconnection` is off unless asked for.

        Raises:
            ConnectError: the server refused, and `wait` is true.
        """
        client = NodeClient(self._driver)
        merged = {**(options or {}), **given(auth=auth, transports=transports)}
        await client.command("connect", url=url, namespace=namespace, options=merged)
        if wait:
            await client.wait_connect()
        return client


@asynccontextmanager
async def node_clients(environment: Mapping[str, str] | None = None) -> AsyncIterator[NodeClients]:
    """Run Node for the length of the block; all its clients are gone afterwards.

    Args:
        environment: added to that of Node, for example `NODE_EXTRA_CA_CERTS`.
    """
    async with running_driver(environment or {}) as driver:
        yield NodeClients(driver)


def given(**options: Payload) -> dict[str, Payload]:
    """Keep the options that are not None: to socket.io-client an option of null is not an absent one."""
    return {name: value for name, value in options.items() if value is not None}
