"""slysock with its defaults: every limit on, payloads validated against the handlers' annotations."""

import json
import sys

import trio

from bench.peers.programs.collector import PAUSES
from slysock import Config, Router, Server, Socket
from slysock.server import serve_until_signal

root = Router("/")


@root.on("echo")
def echo(_socket: Socket, data: str) -> str:
    return data


@root.on("pub")
def publish(socket: Socket, data: str) -> None:
    socket.namespace.emit("msg", data)


@root.on("bin")
def publish_binary(socket: Socket, data: bytes) -> None:
    socket.namespace.emit("msg", data)


@root.on("say")
def say(socket: Socket, room: str, data: str) -> None:
    socket.namespace.to(room).emit("msg", data)


@root.on("join")
def join(socket: Socket, rooms: list[str]) -> None:
    socket.join(*rooms)


@root.on("leave")
def leave(socket: Socket, rooms: list[str]) -> None:
    socket.leave(*rooms)


@root.on("ask")
async def ask(socket: Socket, data: str) -> object:
    return await socket.call("q", data)


@root.on("gc")
def collector(_socket: Socket, what: str) -> dict[str, float]:
    return PAUSES.answer(what)


async def main() -> None:
    """Serve on a free port and print which."""
    server = Server(root, config=Config())

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            listening = await nursery.start(server.serve, "127.0.0.1", 0)
            sys.stdout.write(json.dumps({"port": listening.port}) + "\n")
            sys.stdout.flush()

    await serve_until_signal(server, serve)


trio.run(main)
