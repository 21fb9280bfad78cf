"""Socket.IO clients: a connection, and the namespaces that it is in."""

import itertools
import math
from collections.abc import Mapping
from typing import final

import msgspec
import trio

from slysock.errors import AckTimeout, ConnectionRefused
from slysock.socketio.acks import answer_value
from slysock.testing.engine import Closed, EngineClient
from slysock_protocol import jsonio
from slysock_protocol.engineio import Message, Outgoing
from slysock_protocol.socketio import Ack, Connect, Disconnect, Event, MsgpackParser, Parser, decode_array, event_name

_ERROR = b"4"  # CONNECT_ERROR, which only servers send and slysock_protocol therefore does not decode


class _ConnectError(msgspec.Struct):
    """CONNECT_ERROR in MessagePack, if `type` says that it is one."""

    type: int
    nsp: str
    data: object = None


@final
class Received(msgspec.Struct, frozen=True):
    """An event from the server; with an ack id, the server waits for an acknowledgement."""

    name: str
    args: tuple[object, ...]
    ack_id: int | None = None


@final
class MemoryClient:
    """A client in a namespace: what `io()` returns in JavaScript.

    Attributes:
        id: the socket's id, as the server sent it.
    """

    def __init__(self, connection: "MemoryConnection", namespace: str) -> None:
        self.id = ""
        self.connection = connection
        self.namespace = namespace
        self._parser = connection.parser
        self._in, self._events = trio.open_memory_channel[Received](100_000)
        self._acks: dict[int, tuple[trio.Event, list[object]]] = {}
        self._ack_ids = itertools.count()
        self._joined = trio.Event()
        self._refusal: ConnectionRefused | None = None
        self._reason: str | None = None
        self._gone = trio.Event()

    async def wait_joined(self) -> None:
        """Wait until the server has let the client in.

        Raises:
            ConnectionRefused: the server refused the client.
            Closed: the server closed the connection.
        """
        await self._joined.wait()
        if self._refusal is not None:
            raise self._refusal
        if self._reason is not None and not self.id:
            raise self.connection.engine.inbox.closed or Closed(1006, self._reason)

    async def emit(self, event: str, *args: object) -> None:
        """Send an event."""
        await self.connection.engine.send(self._parser.event(self.namespace, event, args))

    async def call(self, event: str, *args: object, timeout: float = 10) -> object:  # noqa: ASYNC109 - as Socket.call
        """Send an event and wait for the acknowledgement: None, its one value, or a tuple of several.

        Raises:
            AckTimeout: none came within `timeout` seconds.
        """
        ack_id = next(self._ack_ids)
        done, values = self._acks[ack_id] = (trio.Event(), [])
        await self.connection.engine.send(self._parser.event(self.namespace, event, args, ack_id))
        with trio.move_on_after(timeout):
            await done.wait()
        del self._acks[ack_id]
        if not done.is_set():
            raise AckTimeout(f"no acknowledgement of {event!r}")
        return answer_value(values)

    async def acknowledge(self, received: Received, *values: object) -> None:
        """Acknowledge an event from the server."""
        assert received.ack_id is not None
        await self.connection.engine.send(self._parser.ack(self.namespace, received.ack_id, values))

    async def next(self) -> Received:
        """Wait for the next event.

        Raises:
            Closed: there will be none.
        """
        try:
            return await self._events.receive()
        except trio.EndOfChannel:
            raise self.connection.engine.inbox.closed or Closed(1000, self._reason or "") from None

    async def expect(self, name: str) -> tuple[object, ...]:
        """Wait for the next event and return its arguments.

        Raises:
            AssertionError: it has another name.
            Closed: there will be none.
        """
        received = await self.next()
        if received.name != name:
            raise AssertionError(f"expected {name!r}, received {received.name!r} with {received.args!r}")
        return received.args

    def waiting(self) -> list[Received]:
        """Return the events that have arrived, without waiting for more."""
        events: list[Received] = []
        while self._events.statistics().current_buffer_used:
            events.append(self._events.receive_nowait())
        return events

    async def disconnect(self) -> None:
        """Leave the namespace."""
        await self.connection.engine.send(self._parser.disconnected(self.namespace))
        self.end("io client disconnect")

    async def wait_disconnected(self, timeout: float = math.inf) -> str:  # noqa: ASYNC109 - a test's own bound
        """Wait until the client has left or was disconnected; return why, as the JavaScript client would.

        Raises:
            trio.TooSlowError: it is still connected after `timeout` seconds.
        """
        with trio.fail_after(timeout):
            await self._gone.wait()
        return self._reason or ""

    # -- the connection's --------------------------------------------------------------------------------------------

    def take(self, packet: Event | Ack) -> None:
        """Take a packet for this namespace."""
        if self._reason is not None:
            return  # sent before the server learned that the client has left
        items = decode_array(packet.body)
        if isinstance(packet, Event):
            self._in.send_nowait(Received(event_name(items), tuple(items[1:]), packet.ack_id))
        elif packet.ack_id in self._acks:
            done, values = self._acks[packet.ack_id]
            values.extend(items)
            done.set()

    def joined(self, socket_id: str) -> None:
        """Note that the server has let the client in."""
        self.id = socket_id
        self._joined.set()

    def refused(self, error: Mapping[str, object]) -> None:
        """Note that the server has refused the client."""
        self._refusal = ConnectionRefused(str(error.get("message")), error.get("data"))
        self._joined.set()

    def end(self, reason: str) -> None:
        """Note that the client has left or was disconnected."""
        if self._reason is None:
            self._reason = reason
            self._in.close()
            self._gone.set()
            self._joined.set()


@final
class MemoryConnection:
    """A connection, in any number of namespaces.

    Attributes:
        engine: the Engine.IO session underneath; its `pace` is how the client reads.
        parser: the server's.
    """

    def __init__(self, engine: EngineClient, nursery: trio.Nursery, parser: Parser) -> None:
        self.engine = engine
        self.parser = parser
        self._decoder = parser.decoder()
        self._clients: dict[str, MemoryClient] = {}
        nursery.start_soon(self._read)

    async def join(self, namespace: str = "/", auth: Mapping[str, object] | None = None) -> MemoryClient:
        """Join a namespace.

        Raises:
            ConnectionRefused: the server did not let the client in.
            Closed: it closed the connection.
        """
        client = self._clients[namespace] = MemoryClient(self, namespace)
        await self.engine.send(_connect_packet(self.parser, namespace, auth))
        await client.wait_joined()
        return client

    async def _read(self) -> None:
        try:
            while True:
                message = await self.engine.inbox.get()
                self._take(message.data, is_text=isinstance(message, Message))
        except Closed:
            for client in self._clients.values():
                client.end("transport close")

    def _take(self, data: bytes, *, is_text: bool) -> None:
        if is_text and data.startswith(_ERROR):
            self._take_refusal(data[1:])
            return
        if isinstance(self.parser, MsgpackParser):
            refusal = msgspec.msgpack.decode(data, type=_ConnectError)
            if refusal.type == int(_ERROR):
                assert jsonio.is_object(refusal.data)
                self._clients[refusal.nsp].refused(refusal.data)
                return
        packet = self._decoder.feed_text(data) if is_text else self._decoder.feed_binary(data)
        match packet:
            case Connect(namespace, auth):
                self._clients[namespace].joined(str(auth["sid"]))
            case Disconnect(namespace):
                self._clients[namespace].end("io server disconnect")
            case Event() | Ack():
                self._clients[packet.namespace].take(packet)
            case None:
                pass

    def _take_refusal(self, rest: bytes) -> None:
        namespace, brace, _ = rest.partition(b",{") if rest.startswith(b"/") else (b"/", b"", b"")
        body = rest[len(namespace) + 1 :] if brace else rest
        error = jsonio.decode(body)
        assert jsonio.is_object(error)
        self._clients[namespace.decode()].refused(error)


def _connect_packet(parser: Parser, namespace: str, auth: Mapping[str, object] | None) -> Outgoing:
    """Encode CONNECT, which only clients send."""
    if isinstance(parser, MsgpackParser):
        packet = {"type": 0, "nsp": namespace} if auth is None else {"type": 0, "nsp": namespace, "data": auth}
        return Outgoing(None, (msgspec.msgpack.encode(packet),))
    where = b"" if namespace == "/" else namespace.encode() + b","
    return Outgoing(b"40" + where + (b"" if auth is None else msgspec.json.encode(auth)))
