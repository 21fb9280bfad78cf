"""The stage of these tests: a server, a well-behaved client on it that must not notice anything, and the offenders.

Whatever a test does inside `scene`, the scene itself checks the rest on the way out: the witness still gets its
answers, no handler was called that should not have been, no session is left but the witness's, and the memory that it
all took, client's side included, stayed under a bound.
"""

import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Protocol, final

import msgspec
import trio
import trio.testing

from slysock import Config, Router, Server, Socket
from slysock.config import ParserName
from slysock.testing import serve_memory
from tests.robustness.wire import (
    SEPARATOR,
    Answer,
    Headers,
    Message,
    WebSocketPeer,
    ask,
    payload_of,
    read_handshake,
)

PATH: Final = "/socket.io/"
POLLING: Final = f"{PATH}?EIO=4&transport=polling"
WEBSOCKET: Final = f"{PATH}?EIO=4&transport=websocket"

MEMORY_BYTES: Final = 8_000_000
"""What an offence may cost at its peak, client's side included: a few copies of the largest message."""

QUIET: Final = Config(
    ping_interval_seconds=100_000, ping_timeout_seconds=100_000, client_joins_per_second=1_000_000_000
)
"""No heartbeat, and as many joins as one likes, so that whatever ends is ended by something else."""


class Asker(Protocol):
    """Makes one request on a connection of its own."""

    async def __call__(self, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Answer:
        """Return the answer."""
        ...


@final
class Poller:
    """A client by polling, one request at a time, each on a connection of its own."""

    def __init__(self, asker: Asker) -> None:
        self._ask = asker
        self.sid = ""

    @property
    def target(self) -> str:
        """Where the session is."""
        return f"{POLLING}&sid={self.sid}"

    async def open_session(self) -> None:
        """Open a session."""
        answer = await self._ask("GET", POLLING)
        assert answer.status == 200
        self.sid = str(read_handshake(answer.body.decode())["sid"])

    async def post(self, *messages: Message) -> Answer:
        """Send packets."""
        return await self._ask("POST", self.target, body=payload_of(*messages))

    async def post_body(self, body: bytes, headers: Headers = ()) -> Answer:
        """Send a body as it is."""
        return await self._ask("POST", self.target, headers=headers, body=body)

    async def poll(self) -> Answer:
        """Wait for packets."""
        return await self._ask("GET", self.target)

    async def packets(self) -> list[str]:
        """Wait for packets and take them apart."""
        answer = await self.poll()
        assert answer.status == 200
        return answer.body.decode().split(SEPARATOR)


@final
class Scene:
    """What a test has at hand.

    Attributes:
        handled: the events that reached a handler, of everybody but the witness.
        reasons: why clients are gone, in order.
    """

    def __init__(self, server: Server, connect: Callable[[], Awaitable[trio.abc.Stream]], parser: ParserName) -> None:
        self.server = server
        self.handled: list[tuple[object, ...]] = []
        self.reasons: list[str] = []
        self.witness = WebSocketPeer(trio.StapledStream(*trio.testing.memory_stream_one_way_pair()))
        self._connect = connect
        self._parser = parser
        self._round_trips = 0

    async def stream(self) -> trio.abc.Stream:
        """Connect, for bytes of one's own."""
        return await self._connect()

    async def peer(self, *, join: bool = True) -> WebSocketPeer:
        """Open a session by WebSocket."""
        peer = WebSocketPeer(await self.stream())
        await peer.open_session(PATH)
        if join:
            await peer.send(connect_packet(self._parser))
            await peer.receive()
        return peer

    async def poller(self, *, join: bool = True) -> Poller:
        """Open a session by polling."""
        poller = Poller(self.ask)
        await poller.open_session()
        if join:
            assert (await poller.post(connect_packet(self._parser))).body == b"ok"
            await poller.packets()
        return poller

    async def ask(self, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Answer:
        """Make one request on a connection of its own."""
        stream = await self.stream()
        try:
            return await ask(stream, method, target, headers=headers, body=body)
        finally:
            await trio.aclose_forcefully(stream)

    async def answer_ping(self) -> None:
        """Let the witness answer the ping that has come."""
        assert await self.witness.receive() == "2"
        await self.witness.send("3")

    async def undisturbed(self) -> None:
        """Check that the witness gets its answer, in no time worth mentioning."""
        number = self._round_trips = self._round_trips + 1
        with trio.fail_after(5):
            await self.witness.send(echo_packet(self._parser, number))
            assert await self.witness.receive() == echo_answer(self._parser, number)

    @property
    def sessions(self) -> int:
        """How many sessions are open, the witness's among them."""
        return len(self.server._front.engine.sessions)

    @property
    def connections(self) -> int:
        """How many connections speak HTTP; one that became a WebSocket does no longer."""
        return len(self.server._front._http)

    async def wait_alone(self) -> None:
        """Wait until the witness is the only session left. Needs a clock that jumps."""
        with trio.fail_after(60):
            while self.sessions > 1:  # noqa: ASYNC110 - the server has no event for it, and the clock jumps
                await trio.sleep(0.1)

    def note_gone(self, reason: str) -> None:
        """Learn that a client is gone."""
        self.reasons.append(reason)


def router_of(handled: list[tuple[object, ...]], gone: Callable[[str], None]) -> Router:
    """Make what the server serves."""
    root = Router("/")

    @root.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    @root.on("note")
    def note(socket: Socket, *args: object) -> str:
        handled.append(args)
        return "noted"

    @root.on("later")
    async def later(socket: Socket, *args: object) -> str:
        await trio.lowlevel.checkpoint()
        handled.append(args)
        return "noted"

    @root.on("flood")
    def flood(socket: Socket, count: int, size: int) -> None:
        for _ in range(count):
            socket.emit("drop", "x" * size)

    @root.on("call")
    async def call(socket: Socket) -> object:
        return await socket.call("question", timeout=10)

    @root.on_disconnect
    def left(socket: Socket, reason: str) -> None:
        gone(reason)

    return root


@asynccontextmanager
async def scene(
    *routers: Router, config: Config = QUIET, costs: int = MEMORY_BYTES, leaves: int = 0
) -> AsyncGenerator[Scene]:
    """Set a stage in memory.

    Args:
        routers: more to serve.
        config: the server's.
        costs: bytes that it may all take at its peak.
        leaves: sessions that are still there at the end, by the test's intention.
    """
    handled: list[tuple[object, ...]] = []
    stage: Scene | None = None

    def gone(reason: str) -> None:
        assert stage is not None
        stage.note_gone(reason)

    server = Server(router_of(handled, gone), *routers, config=config)
    async with serve_memory(server) as memory:

        async def connect() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return memory.open()

        stage = Scene(server, connect, config.parser)
        stage.handled = handled
        stage.witness = await stage.peer()
        await stage.undisturbed()
        with costs_at_most(costs):
            yield stage
        await stage.undisturbed()
        if not leaves:
            await stage.wait_alone()
        assert stage.sessions == 1 + leaves


@contextmanager
def costs_at_most(max_bytes: int) -> Generator[None]:
    """Check the peak of the memory that a block allocates. Counts allocations, and so is the same every time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= max_bytes, f"{peak} bytes at the peak"


# -- packets in both parsers -----------------------------------------------------------------------------------------


def packed(**fields: object) -> bytes:
    """Write a packet of the MessagePack parser."""
    return msgspec.msgpack.encode(fields)


def connect_packet(parser: ParserName) -> Message:
    """Ask to join the main namespace."""
    return "40" if parser == "json" else packed(type=0, nsp="/")


def echo_packet(parser: ParserName, number: int) -> Message:
    """Ask for an echo of a number, acknowledged under the same number."""
    if parser == "json":
        return f'42{number}["echo",{number}]'
    return packed(type=2, nsp="/", data=["echo", number], id=number)


def echo_answer(parser: ParserName, number: int) -> Message:
    """Build the answer to that."""
    if parser == "json":
        return f"43{number}[{number}]"
    return packed(type=3, nsp="/", data=[number], id=number)
