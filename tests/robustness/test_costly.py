"""What clients can make a process hoard: the resident memory of a real one, and what its witness notices."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest
import trio

from tests.robustness.scene import PATH, Poller
from tests.robustness.wire import Answer, Ending, Headers, WebSocketPeer, ask

pytestmark = [
    pytest.mark.port,
    pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc"),
]

ROOT: Final = Path(__file__).parents[2]
MB: Final = 1_000_000
NESTED: Final = "[" + ",".join(["[]"] * 330_000) + "]"  # 1 MB of text, 25 as values


@final
@dataclass(frozen=True, slots=True)
class Live:
    """A process, and a witness on its server."""

    pid: int
    port: int
    witness: WebSocketPeer
    opened: AsyncExitStack  # closes all connections

    @property
    def resident_bytes(self) -> int:
        """What the process has in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    async def peer(self) -> WebSocketPeer:
        """Open a session by WebSocket and join."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.opened.callback(stream.socket.close)
        peer = WebSocketPeer(stream)
        await peer.open_session(PATH)
        await peer.send("40")
        await peer.receive()
        return peer

    async def ask(self, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Answer:
        """Make one request on a connection of its own."""
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            return await ask(stream, method, target, headers=headers, body=body)

    async def undisturbed(self) -> None:
        """Check that the witness gets its answer."""
        await self.witness.send('427["echo",7]')
        assert await self.witness.receive() == "437[7]"


@asynccontextmanager
async def live(grows_by: int) -> AsyncGenerator[Live]:
    """Serve; at the end, with everybody still there, the process must not have grown by more."""
    command = [sys.executable, "-m", "tests.robustness.costly"]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                lambda task_status: trio.run_process(  # noqa: ASYNC105 - the nursery awaits it
                    command, cwd=ROOT, stdout=subprocess.PIPE, check=False, task_status=task_status
                )
            )
            assert process.stdout is not None
            port = int(await process.stdout.receive_some())
            async with AsyncExitStack() as opened, await trio.open_tcp_stream("127.0.0.1", port) as stream:
                stage = Live(process.pid, port, WebSocketPeer(stream), opened)
                await stage.witness.open_session(PATH)
                await stage.witness.send("40")
                await stage.witness.receive()
                await stage.undisturbed()
                before = stage.resident_bytes
                yield stage
                await stage.undisturbed()
                grown = stage.resident_bytes - before
            process.kill()
    assert grown <= grows_by, f"{grown / MB:.1f} MB"


async def test_62_000_connects_in_one_post() -> None:
    async with live(grows_by=8 * MB) as stage:
        for _ in range(5):
            poller = Poller(stage.ask)
            await poller.open_session()
            answer = await poller.post_body(b"\x1e".join([b"40/a,"] * 62_000))
            assert answer.status == 400


async def test_a_megabyte_of_auth_in_five_namespaces() -> None:
    async with live(grows_by=8 * MB) as stage:
        for number in range(5):
            peer = await stage.peer()
            await peer.send(f'40/{number},{{"a":{NESTED}}}')
            assert await peer.ending() == Ending(1008, "auth too large")


async def test_megabytes_of_arrays_behind_a_slow_handler() -> None:
    """The first is being handled, and so is decoded; those behind it are not."""
    async with live(grows_by=20 * MB) as stage:
        peer = await stage.peer()
        await peer.send('42["slow"]')
        for _ in range(2):
            await peer.send(f'42["slow",{NESTED}]')
        await stage.undisturbed()
        await peer.send('4210["echo"]')
        await stage.undisturbed()


async def test_attachments_for_a_namespace_that_has_refused() -> None:
    async with live(grows_by=8 * MB) as stage:
        for _ in range(5):
            peer = await stage.peer()
            await peer.send("40/gate,")
            assert await peer.receive() == '44/gate,{"message":"not you"}'
            await peer.send("4510-/gate,[]")
            assert await peer.ending() == Ending(1002, "not connected to this namespace")
