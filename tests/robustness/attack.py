"""Attacks a server for minutes with everything at once, while honest clients chat; a soak, not a test.

    python -m tests.robustness.attack --seconds 600

The server is `slysock serve --system marketplace`, unmodified, in a process of its own; so are the attackers. First the
honest clients talk alone, then under attack: what their acknowledgements took, and what the server has in memory, are
printed for both. The attackers without a token share a line of 10 Mbit/s; those with one do what clients may do, as
fast as they can. All come from loopback, where no limit of an address applies.
"""

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, final

import trio

from slysock.identity import make_token
from tests.robustness.wire import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    EndOfStream,
    WebSocketPeer,
    frame,
    message_frame,
    opening_bytes,
    read_answer,
    request_bytes,
)

SECRET: Final = "a secret of sixteen bytes and more"
PATH: Final = "/socket.io/"
POLLING: Final = f"{PATH}?EIO=4&transport=polling"
LINE_BYTES_PER_SECOND: Final = 1_250_000
ATTACKERS_OF_A_KIND: Final = 4
PAIRS: Final = 100
PAUSE_SECONDS: Final = 1.0  # of an honest client, between two messages
NESTED: Final = "[" + ",".join(["[]"] * 330_000) + "]"


def token(user: int, role: str) -> str:
    claims = {"userId": user, "role": role}
    return make_token(SECRET, claims, now=time.time(), expires_in_seconds=7200)


# -- honest clients ---------------------------------------------------------------------------------------------------


@final
@dataclass
class Talk:
    """What honest clients have seen."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    def quantile(self, share: float) -> float:
        """How long acknowledgements took, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))] if ordered else math.nan


async def join(port: int, user: int, role: str) -> WebSocketPeer:
    peer = WebSocketPeer(await trio.open_tcp_stream("127.0.0.1", port))
    await peer.open_session(PATH)
    auth = json.dumps({"token": token(user, role)})
    for namespace in ("/presence", "/chat"):
        await peer.send(f"40{namespace},{auth}")
        while not (await peer.receive_text()).startswith(f"40{namespace},"):
            pass
    return peer


async def listen(peer: WebSocketPeer, sending: trio.Lock, answered: Callable[[str], None]) -> None:
    """Answer pings, and tell of acknowledgements."""
    while True:
        message = await peer.receive_text()
        if message == "2":
            async with sending:
                await peer.send("3")
        elif message.startswith("43/chat,"):
            answered(message)


async def chat(port: int, pair: int, talk: Talk, ready: Callable[[], None]) -> None:
    """Be a vendor and a customer; the customer sends."""
    vendor, customer = await join(port, pair, "VENDOR"), await join(port, pair, "CUSTOMER")
    ready()
    send, receive = trio.open_memory_channel[str](math.inf)
    sending = trio.Lock()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, vendor, trio.Lock(), lambda _: None)
            nursery.start_soon(listen, customer, sending, send.send_nowait)
            for number in range(10_000_000):
                await trio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
                body = json.dumps(["sendMessage", {"productId": 1, "recipientId": pair, "text": str(number)}])
                began = trio.current_time()
                async with sending:
                    await customer.send(f"42/chat,{number}{body}")
                await receive.receive()
                talk.seconds.append(trio.current_time() - began)
    except* (EndOfStream, trio.BrokenResourceError):
        talk.lost += 1


# -- attackers --------------------------------------------------------------------------------------------------------


@final
class Line:
    """What all attackers without a token can send in a second."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def send(self, stream: trio.abc.SendStream, data: bytes) -> None:
        for start in range(0, len(data), 65_536):
            piece = data[start : start + 65_536]
            now = trio.current_time()
            self._free_at = max(now, self._free_at) + len(piece) / LINE_BYTES_PER_SECOND
            await trio.sleep_until(self._free_at)
            await stream.send_all(piece)


Attack: TypeAlias = Callable[[int, Line], Awaitable[None]]
ATTACKS: Final[list[Attack]] = []


def attack(function: Attack) -> Attack:
    ATTACKS.append(function)
    return function


@asynccontextmanager
async def stream_to(port: int) -> AsyncGenerator[trio.SocketStream]:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        yield stream
    finally:
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def websocket(port: int, line: Line) -> AsyncGenerator[trio.SocketStream]:
    async with stream_to(port) as stream:
        await line.send(stream, opening_bytes(f"{PATH}?EIO=4&transport=websocket"))
        await stream.receive_some()
        yield stream


async def until_closed(stream: trio.abc.ReceiveStream, seconds: float) -> None:
    with trio.move_on_after(seconds):
        while await stream.receive_some(65_536):
            pass


@attack
async def handshakes_with_heavy_heads(port: int, line: Line) -> None:
    headers = [(f"x-{number}", "y" * 150) for number in range(90)]
    async with stream_to(port) as stream:
        for _ in range(50):
            await line.send(stream, request_bytes("GET", POLLING, headers=headers))
            await read_answer(stream)


@attack
async def heads_of_too_many_lines(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        await line.send(stream, b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a:b\r\n" * 2296 + b"\r\n")
        await until_closed(stream, 3)


@attack
async def sessions_that_never_join(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        for _ in range(500):
            await line.send(stream, request_bytes("GET", POLLING))
            await read_answer(stream)


@attack
async def connections_that_say_nothing(port: int, _: Line) -> None:
    async with stream_to(port) as stream:
        await until_closed(stream, 30)


@attack
async def a_body_that_drips(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        await line.send(stream, b"POST /manage/x HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(60):
            await line.send(stream, b"x")
            await trio.sleep(0.5)


@attack
async def chunks_of_a_byte(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        await line.send(stream, request_bytes("GET", POLLING))
        sid = json.loads((await read_answer(stream)).body[1:])["sid"]
        target = f"{POLLING}&sid={sid}".encode()
        await line.send(stream, b"POST %b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" % target)
        await line.send(stream, b"1\r\nx\r\n" * 20_000)
        await until_closed(stream, 3)


@attack
async def connects_in_one_post(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        await line.send(stream, request_bytes("GET", POLLING))
        sid = json.loads((await read_answer(stream)).body[1:])["sid"]
        body = b"\x1e".join([b"40/a,"] * 62_000)
        await line.send(stream, request_bytes("POST", f"{POLLING}&sid={sid}", body=body))
        await until_closed(stream, 3)


@attack
async def a_flood_of_connects(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, message_frame("40/chat,") * 4000)
        await until_closed(stream, 3)


@attack
async def a_flood_of_tiny_frames(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, frame(TEXT, b"3") * 9000)
        await until_closed(stream, 1)


@attack
async def attachments_of_who_is_refused(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, message_frame("40/chat,") + message_frame('4510-/chat,["x"]'))
        for _ in range(9):
            await line.send(stream, frame(BINARY, bytes(100_000)))
        await until_closed(stream, 3)


@attack
async def nested_auth(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, message_frame(f'40/chat,{{"a":{NESTED}}}'))
        await until_closed(stream, 3)


@attack
async def deep_auth(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, message_frame('40/chat,{"a":' + "[" * 4000 + "]" * 4000 + "}"))
        await until_closed(stream, 3)


@attack
async def fragments_and_pings(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        pieces = [frame(TEXT, b"4", final=False)]
        pieces += [frame(CONTINUATION, b"x", final=False) + frame(PING, b"y") for _ in range(5000)]
        await line.send(stream, b"".join(pieces))
        await until_closed(stream, 3)


@attack
async def bad_tokens(port: int, line: Line) -> None:
    async with websocket(port, line) as stream:
        await line.send(stream, message_frame('40/chat,{"token":"aaaa.bbbb.cccc"}'))
        await until_closed(stream, 0.2)


@attack
async def requests_that_are_none(port: int, line: Line) -> None:
    async with stream_to(port) as stream:
        await line.send(stream, random.randbytes(2000))
        await until_closed(stream, 3)


@attack
async def a_compressed_body(port: int, line: Line) -> None:
    body = gzip.compress(bytes(10_000_000))
    async with stream_to(port) as stream:
        await line.send(stream, request_bytes("PUT", "/manage/x", headers=[("content-encoding", "gzip")], body=body))
        await until_closed(stream, 3)


async def with_a_token(port: int, user: int) -> None:
    """Do all that a user may, as fast as the server lets one."""
    peer = await join(port, user, "CUSTOMER")
    body = json.dumps(["typing", {"productId": 1, "recipientId": user}])
    try:
        while True:
            await peer.send(*[f"42/chat,{body}"] * 200, f'42/chat,["sendMessage",{NESTED[:100_000]}]')
            with trio.move_on_after(0.01):
                await peer.receive()
    finally:
        with trio.move_on_after(1, shield=True):
            await peer.drop()


async def again_and_again(once: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(EndOfStream, OSError, trio.BrokenResourceError, AssertionError, ValueError, KeyError):
            await once()
        await trio.sleep(0.05)


async def attack_all(port: int, seconds: float) -> None:
    line = Line()
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for number in range(ATTACKERS_OF_A_KIND):
                for function in ATTACKS:
                    nursery.start_soon(again_and_again, lambda function=function: function(port, line))
                nursery.start_soon(again_and_again, lambda number=number: with_a_token(port, 10_000 + number))


# -- the whole --------------------------------------------------------------------------------------------------------


def resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1000


async def measure(port: int, quiet_seconds: float, seconds: float, pid: int) -> None:
    quiet, attacked, ready = Talk(), Talk(), 0

    def count() -> None:
        nonlocal ready
        ready += 1

    async with trio.open_nursery() as nursery:
        talk = Talk()
        for pair in range(1, PAIRS + 1):
            nursery.start_soon(chat, port, pair, talk, count)
        while ready < PAIRS:  # noqa: ASYNC110 - counted from a plain call
            await trio.sleep(0.1)
        await trio.sleep(5)
        talk.seconds.clear()
        await trio.sleep(quiet_seconds)
        quiet.seconds, before, peak = talk.seconds[:], resident_megabytes(pid), 0.0
        talk.seconds.clear()
        command = [sys.executable, "-m", "tests.robustness.attack", "--attack", str(port), "--seconds", str(seconds)]
        process = await trio.lowlevel.open_process(command)
        while process.poll() is None:  # noqa: ASYNC110 - to see the peak of the memory, too
            await trio.sleep(0.5)
            peak = max(peak, resident_megabytes(pid))
        attacked.seconds, attacked.lost = talk.seconds[:], talk.lost
        await trio.sleep(60)
        print(f"{'':10} {'acks':>7} {'p50 ms':>8} {'p99 ms':>8} {'p99.9 ms':>9}")
        for name, each in (("quiet", quiet), ("attacked", attacked)):
            figures = [each.quantile(share) for share in (0.5, 0.99, 0.999)]
            print(f"{name:10} {len(each.seconds):7} {figures[0]:8.1f} {figures[1]:8.1f} {figures[2]:9.1f}")
        print(f"honest clients lost: {attacked.lost}")
        after = resident_megabytes(pid)
        print(f"memory in MB: {before:.0f} before, {peak:.0f} at most, {after:.0f} a minute afterwards")
        nursery.cancel_scope.cancel()


def keep_apart(server_pid: int) -> None:
    """Give the server a core of its own, as a server has a machine of its own; the honest go before the attackers."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(server_pid, cores[:1])
        os.sched_setaffinity(0, cores[1:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness.attack", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--quiet-seconds", type=float, default=60)
    parser.add_argument("--attack", type=int, metavar="PORT", help="be the attackers of a server that is there")
    given = parser.parse_args()
    if given.attack:
        os.nice(19)
        trio.run(attack_all, given.attack, given.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "slysock.cli", "serve", "--system", "marketplace", "--port", "0"]
        command += ["--store", f"sqlite:///{folder}/chat.db", "--jwt-secret", SECRET, "--log-level", "error"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                keep_apart(process.pid)
                url = next(line.split()[1] for line in process.stdout if line.lstrip().startswith("address"))
                trio.run(measure, int(url.rpartition(":")[2]), given.quiet_seconds, given.seconds, process.pid)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
