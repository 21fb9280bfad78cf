"""Servers that pages connect to, on ports of their own, and who comes and goes there."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar, final

import trio

from slysock import Config, DisconnectReason, Listening, Router, Server, Socket
from slysock.identity import Tokens, make_token, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.settings import SystemSettings
from slysock.systems.system import SystemMaker
from slysock_store import open_store
from tests.clients.deadline import raise_only
from tests.slysock.systems.market import MEMORY, SECRET, system_now

SOON_SECONDS: Final = 5.0
"""How long a busy machine may take. Without what a test waits for, only the heartbeat would come, after 45 seconds."""

T = TypeVar("T")


@final
class Door:
    """An observer of a server: who has come and gone. Departures are taken one by one, the first first."""

    def __init__(self, server: Server, listening: Listening) -> None:
        self.server = server
        self.url = listening.url
        self.port = listening.port
        self.sockets: list[Socket] = []
        self._departures: list[tuple[Socket, DisconnectReason]] = []
        self._endings: list[DisconnectReason] = []
        self._news = trio.lowlevel.ParkingLot()
        server.observe(self)

    @property
    def connections(self) -> int:
        """How many there are now, in a namespace or not."""
        return self.server.statistics().connections

    async def next_departure(self) -> tuple[Socket, DisconnectReason]:
        """Wait until somebody has left a namespace."""
        return await self._next(self._departures)

    async def next_ending(self) -> DisconnectReason:
        """Wait until a connection has ended."""
        return await self._next(self._endings)

    async def _next(self, happened: list[T]) -> T:
        with trio.fail_after(SOON_SECONDS):
            while not happened:
                await self._news.park()
        return happened.pop(0)

    def joined(self, socket: Socket) -> None:
        """Note an arrival."""
        self.sockets.append(socket)

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """Note a departure."""
        self._departures.append((socket, reason))
        self._news.unpark_all()

    def session_closed(self, reason: DisconnectReason) -> None:
        """Note an end."""
        self._endings.append(reason)
        self._news.unpark_all()

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Let it pass."""

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """Let it pass: the page learns of it."""


def echoing() -> Router:
    """Make a router that sends back what it is sent, in several ways."""
    root = Router("/")

    @root.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    @root.on("again")
    def again(socket: Socket, *args: object) -> None:
        socket.emit("again", *args)

    @root.on("ask me")
    async def ask_me(socket: Socket, *args: object) -> object:
        return await socket.call("question", *args)

    @root.on("headers")
    def headers(socket: Socket) -> dict[str, str]:
        return dict(socket.handshake.headers)

    return root


@asynccontextmanager
async def open_door(config: Config | None = None, *, port: int = 0) -> AsyncGenerator[Door, None]:
    """Serve what echoes for the length of the block; then it is shut without a word."""
    async with _serving(Server(echoing(), config=config or Config()), port) as door:
        yield door


@asynccontextmanager
async def open_systems(
    *makers: SystemMaker, media: Path, cors_origins: Sequence[str] | None = None
) -> AsyncGenerator[Door, None]:
    """Serve systems on a store of their own for the length of the block."""
    async with open_store(MEMORY, clock=system_now) as store:
        tokens = Tokens(secret_key(SECRET), cookie_origins=cors_origins or ())
        foundation = make_foundation(store, tokens, SystemSettings(media_path=media))
        assembly = assemble([make(foundation) for make in makers], foundation, cors_origins=cors_origins)
        server = Server(*assembly.routers, config=Config(cors_origins=cors_origins), app=assembly.app)
        assembly.started(server)
        async with _serving(server, 0, assembly.run) as door:
            yield door


@asynccontextmanager
async def _serving(server: Server, port: int, *beside: Callable[[], Awaitable[None]]) -> AsyncGenerator[Door, None]:
    with raise_only():
        async with trio.open_nursery() as nursery:
            for run in beside:
                nursery.start_soon(run)
            yield Door(server, await nursery.start(server.serve, "127.0.0.1", port))
            nursery.cancel_scope.cancel()


def token_of(user_id: object, role: str, *, expires_in: float = 600, **claims: object) -> str:
    """Make a token as another back-end would."""
    claims = {"userId": user_id, "role": role, **claims}
    return make_token(SECRET, claims, now=system_now().timestamp(), expires_in_seconds=expires_in)
