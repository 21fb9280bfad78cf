"""A server process that is stopped, with SIGSTOP, for longer than its clients have for anything.

On the real clock, because a process that does not run cannot be told what time it is.
"""

import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import pytest
import trio

from tests.robustness.scene import Poller
from tests.robustness.wire import Answer, Headers, WebSocketPeer, ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")

TIMEOUT: Final = 2.0
SERVER: Final = f"""
import trio
from slysock import Config, Router, Server

root = Router("/")
root.on("echo")(lambda socket, value: value)
config = Config(
    ping_interval_seconds=1.0,
    ping_timeout_seconds={TIMEOUT},
    request_head_seconds={TIMEOUT},
    request_body_seconds={TIMEOUT},
    request_stall_seconds={TIMEOUT},
    write_timeout_seconds={TIMEOUT},
)

async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        size = 20_000_000 if scope["path"] == "/download" else 2
        await send({{"type": "http.response.body", "body": bytes(size)}})

async def main():
    async with trio.open_nursery() as nursery:
        listening = await nursery.start(Server(root, config=config, app=app).serve, "127.0.0.1", 0)
        print(listening.port, flush=True)

trio.run(main)
"""


@asynccontextmanager
async def stoppable() -> AsyncGenerator[tuple[trio.Process, int]]:
    """Start a server in a process of its own; return that and the port."""
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, check=False)
        process: trio.Process = await nursery.start(start)
        assert process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            line += await process.stdout.receive_some()
        try:
            yield process, int(line)
        finally:
            process.send_signal(signal.SIGCONT)
            nursery.cancel_scope.cancel()


async def test_clients_whose_answers_wait_in_the_buffers_of_a_stopped_server_stay() -> None:
    async with stoppable() as (process, port):

        async def ask_there(method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Answer:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                return await ask(stream, method, target, headers=headers, body=body)

        peers = [WebSocketPeer(await trio.open_tcp_stream("127.0.0.1", port)) for _ in range(20)]
        pollers = [Poller(ask_there) for _ in range(5)]
        await join(peers, pollers)
        await hear_a_ping(peers, pollers)
        process.send_signal(signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            for peer in peers:
                await peer.send("3")
            for poller in pollers:
                nursery.start_soon(poller.post, "3")
            await trio.sleep(TIMEOUT + 0.5)
            process.send_signal(signal.SIGCONT)
        await hear_a_ping(peers, pollers)  # the next one, and no goodbye
        for peer in peers:
            await peer.drop()


async def join(peers: list[WebSocketPeer], pollers: list[Poller]) -> None:
    for peer in peers:
        await peer.open_session("/socket.io/")
        await peer.send("40")
        assert (await peer.receive_text()).startswith("40")
    for poller in pollers:
        await poller.open_session()
        await poller.post("40")
        assert (await poller.packets())[0].startswith("40")


async def hear_a_ping(peers: list[WebSocketPeer], pollers: list[Poller]) -> None:
    for peer in peers:
        assert await peer.receive_text() == "2"
    for poller in pollers:
        assert await poller.packets() == ["2"]


BODY: Final = bytes(300_000)
UPLOAD: Final = (
    b"POST /upload HTTP/1.1\r\nhost: a\r\nx-long: " + b"x" * 2000 + b"\r\ncontent-length: 300000\r\n\r\n" + BODY
)
"""A request whose head does not fit into what is sent first, nor the body into what a stopped server's kernel takes."""


@pytest.mark.parametrize("sent", [100, 3000])
@pytest.mark.parametrize("during", [0, 500])
async def test_who_is_in_the_middle_of_a_request_when_the_server_stands_still_has_the_time_that_it_had(
    sent: int, during: int
) -> None:
    async with stoppable() as (process, port):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(UPLOAD[:sent])
        await trio.sleep(0.3)  # until the server waits for more
        process.send_signal(signal.SIGSTOP)
        await stream.send_all(UPLOAD[sent : sent + during])
        await trio.sleep(TIMEOUT + 0.5)
        process.send_signal(signal.SIGCONT)
        await trio.sleep(0.3)  # less than the client has, had the server not stood still
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, UPLOAD[sent + during :])
            answer = bytes(await stream.receive_some(1000))
        assert b" 200 " in answer.partition(b"\r\n")[0]
        await stream.aclose()


async def test_who_reads_an_answer_when_the_server_stands_still_gets_all_of_it() -> None:
    async with stoppable() as (process, port):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"GET /download HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        got = len(await stream.receive_some(1000))
        await trio.sleep(0.3)  # until the server waits for the client to read on
        process.send_signal(signal.SIGSTOP)
        await trio.sleep(TIMEOUT + 0.5)
        process.send_signal(signal.SIGCONT)
        await trio.sleep(0.3)
        while piece := await stream.receive_some(1_000_000):
            got += len(piece)
        assert got > 20_000_000
        await stream.aclose()
