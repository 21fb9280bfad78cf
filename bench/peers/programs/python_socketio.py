# mypy: disable-error-code="untyped-decorator"
# python-socketio has no types.
"""python-socketio on uvicorn with uvloop: its asynchronous server, as its documentation sets it up.

Of the three WebSocket implementations that uvicorn has, `websockets-sansio` is the fastest here by a third.
"""

import json
import socket as sockets
import sys

import socketio
import uvicorn

from bench.peers.programs.collector import PAUSES

sio = socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=1_000_000)


@sio.event
def echo(_sid: str, data: object) -> object:
    return data


@sio.event
async def pub(_sid: str, data: object) -> None:
    await sio.emit("msg", data)


@sio.on("bin")
async def publish_binary(_sid: str, data: object) -> None:
    await sio.emit("msg", data)


@sio.event
async def say(_sid: str, room: str, data: object) -> None:
    await sio.emit("msg", data, room=room)


@sio.event
async def join(sid: str, rooms: list[str]) -> None:  # noqa: ASYNC910 - a rule of Trio
    for room in rooms:
        await sio.enter_room(sid, room)


@sio.event
async def leave(sid: str, rooms: list[str]) -> None:  # noqa: ASYNC910 - as above
    for room in rooms:
        await sio.leave_room(sid, room)


@sio.event
async def ask(sid: str, data: object) -> object:
    return await sio.call("q", data, to=sid, timeout=5)


@sio.on("gc")
def collector(_sid: str, what: str) -> dict[str, float]:
    return PAUSES.answer(what)


listener = sockets.create_server(("127.0.0.1", 0), backlog=4096)
config = uvicorn.Config(
    socketio.ASGIApp(sio),
    loop="uvloop",
    http="httptools",
    ws="websockets-sansio",
    log_level="error",
    ws_per_message_deflate=False,
    access_log=False,
    backlog=4096,
)
sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
sys.stdout.flush()
uvicorn.Server(config).run(sockets=[listener])
