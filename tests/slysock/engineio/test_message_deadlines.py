"""Large messages on slow lines arrive, and those that drip do not hold their connection: on both transports."""

import base64
from collections.abc import AsyncIterator
from typing import cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from wsproto.utilities import LocalProtocolError

from slysock import Config, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Memory, MemoryClient
from slysock.testing.engine import PollingClient, WebSocketClient
from slysock_protocol.engineio import Outgoing
from tests.slysock.engineio.frames import BINARY, PING, TEXT, connected, event, frame
from tests.slysock.serving import both, serving

ATTACHED = b'451-["file",{"_placeholder":true,"num":0}]'
PONG = Outgoing(b"3")
LARGEST = {"websocket": 1_000_000, "polling": 740_000}  # as base64, some more
LIMIT = Config().request_body_seconds


def filing() -> tuple[Router, list[int], list[DisconnectReason]]:
    """A router that notes the sizes of files, and why its clients left."""
    root, sizes, reasons = Router(), list[int](), list[DisconnectReason]()

    @root.on("file")
    def file(socket: Socket, *data: bytes) -> None:
        sizes.extend(map(len, data))

    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    return root, sizes, reasons


async def pieces(data: bytes, rate: int) -> AsyncIterator[bytes]:
    """Cut up what a line brings in a second; wait that long for each."""
    for start in range(0, len(data), rate):
        await trio.sleep(1)
        yield data[start : start + rate]


def binary_frame(size: int) -> bytes:
    """A frame masked with zeros."""
    return b"\x82\xff" + size.to_bytes(8, "big") + bytes(4 + size)


async def attach(memory: Memory, client: MemoryClient, size: int, rate: int) -> int:
    """Send an attachment over a slow line; its client cannot answer pings meanwhile. Return the status of a POST."""
    engine = client.connection.engine
    try:
        if isinstance(engine, WebSocketClient):
            async for piece in pieces(binary_frame(size), rate):
                await engine.stream.send_all(piece)
            await engine.send(PONG)
            return 200
        return await post(memory, engine, b"b" + base64.b64encode(bytes(size)), rate)
    except (trio.BrokenResourceError, trio.ClosedResourceError, LocalProtocolError):  # the server has closed
        return 0


async def post(memory: Memory, engine: object, body: bytes, rate: int) -> int:
    stream = memory.open()
    sid = cast("PollingClient", engine).handshake["sid"]
    head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}"
    await stream.send_all(head.encode() + b"\r\n\r\n")
    async for piece in pieces(body, rate):
        await stream.send_all(piece)
    status = bytes(await stream.receive_some()).split()[1]
    await trio.aclose_forcefully(stream)
    return int(status)


@both
@pytest.mark.parametrize("rate", [30_000, 10_000])
async def test_a_large_attachment_on_a_slow_line_arrives(
    autojump_clock: MockClock, transport: TransportName, rate: int
) -> None:
    """It takes longer than two heartbeats, and longer than half a minute, after which it was given up."""
    root, sizes, reasons = filing()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        other = await memory.connect(transport=transport)
        await trio.sleep(24)  # the next ping comes in its middle
        client.connection.engine.pace.silent = True
        await client.connection.engine.send(Outgoing(ATTACHED))
        assert await attach(memory, client, LARGEST[transport], rate) == 200
        client.connection.engine.pace.silent = False
        await wait_all_tasks_blocked()
        assert (sizes, reasons) == ([LARGEST[transport]], [])
        await other.emit("file", b"x")
        await wait_all_tasks_blocked()
        assert sizes[1:] == [1]


@both
@pytest.mark.parametrize(("seconds", "arrives"), [(LIMIT - 2, True), (LIMIT + 3, False)])
async def test_an_attachment_has_its_time_and_no_more(
    autojump_clock: MockClock, transport: TransportName, seconds: float, arrives: bool
) -> None:
    root, sizes, reasons = filing()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.silent = True
        await client.connection.engine.send(Outgoing(ATTACHED))
        wire = 300_000 if transport == "websocket" else 400_000  # base64
        started = trio.current_time()
        await attach(memory, client, 300_000, int(wire / seconds) + 1)
        await wait_all_tasks_blocked()
        if arrives:
            assert (sizes, reasons) == ([300_000], [])
        else:
            assert sizes == []
            assert reasons == ["parse error"]
            assert trio.current_time() - started < LIMIT + 5


@both
async def test_ten_large_attachments_on_a_slow_line_arrive(autojump_clock: MockClock, transport: TransportName) -> None:
    """More than five minutes at thirty kilobytes a second; pings are answered between them."""
    root, sizes, reasons = filing()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        holes = b",".join(b'{"_placeholder":true,"num":%d}' % number for number in range(10))
        client.connection.engine.pace.silent = True
        await client.connection.engine.send(Outgoing(b'4510-["file",' + holes + b"]"))
        started = trio.current_time()
        for _ in range(10):
            assert await attach(memory, client, LARGEST[transport], 31_000) == 200
            if transport == "polling":
                assert await post(memory, client.connection.engine, b"3", 100) == 200
        assert trio.current_time() - started > LIMIT
        await wait_all_tasks_blocked()
        assert (sizes, reasons) == ([LARGEST[transport]] * 10, [])


@pytest.mark.parametrize("between", [b"", frame(PING, b"x")])
async def test_a_message_that_drips_in_fragments_is_cut_when_its_time_is_over(
    autojump_clock: MockClock, between: bytes
) -> None:
    """Each fragment was a sign of life, for as long as the client liked."""
    async with connected() as (client, log, reasons):
        started = trio.current_time()
        await client.send(frame(TEXT, b"42", final=False))
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for _ in range(100):
                    await trio.sleep(7)
                    await client.send(between, frame(0, b"x" * 100, final=False))

            nursery.start_soon(drip)
            assert await client.closing() == 1008
            nursery.cancel_scope.cancel()
        assert trio.current_time() - started == pytest.approx(LIMIT, abs=8)
        assert (log, reasons) == ([], ["parse error"])


async def test_a_message_whose_last_part_comes_too_late_is_too_late(autojump_clock: MockClock) -> None:
    config = Config(ping_interval_seconds=1000)
    async with serving(Router(), config=config) as memory:
        client = await memory.connect()
        engine = cast("WebSocketClient", client.connection.engine)
        for wait, is_over in ((LIMIT, False), (LIMIT + 1, True)):
            whole = frame(TEXT, event("x"))
            await engine.stream.send_all(whole[:-1])
            await trio.sleep(wait)
            await engine.stream.send_all(whole[-1:])
            await wait_all_tasks_blocked()
            assert (engine.inbox.closed is not None) == is_over


async def test_one_large_message_after_the_other_may_go_on_for_ever(autojump_clock: MockClock) -> None:
    """Whatever is read ends in the middle of one of them."""
    async with connected() as (client, log, reasons), trio.open_nursery() as nursery:
        nursery.start_soon(client.rest)
        whole = frame(TEXT, event("x" * 1000))
        rest = b""
        for _ in range(80):
            await trio.sleep(10)
            await client.send(rest + whole[:500])
            rest = whole[500:]
        await client.send(rest, frame(TEXT, b"3"))
        await wait_all_tasks_blocked()
        assert (len(log), reasons) == (80, [])
        nursery.cancel_scope.cancel()


async def test_a_large_message_at_the_average_may_take_longer(autojump_clock: MockClock) -> None:
    root, sizes, reasons = filing()
    async with serving(root, config=Config(max_payload_bytes=20_000_000)) as memory:
        client = await memory.connect()
        client.connection.engine.pace.silent = True
        await client.connection.engine.send(Outgoing(ATTACHED))
        started = trio.current_time()
        await attach(memory, client, 12_000_000, 31_000)
        assert trio.current_time() - started > LIMIT
        await wait_all_tasks_blocked()
        assert (sizes, reasons) == ([12_000_000], [])


async def test_time_in_which_the_server_does_not_read_is_not_the_clients(autojump_clock: MockClock) -> None:
    root, sizes, reasons = filing()

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(2 * LIMIT)

    config = Config(max_pending_events=2, ping_interval_seconds=100_000)
    async with serving(root, config=config) as memory:
        client = await memory.connect()
        engine = cast("WebSocketClient", client.connection.engine)
        whole = frame(BINARY, bytes(1000))
        begun = frame(TEXT, b'42["slow"]') * 2 + frame(TEXT, ATTACHED) + whole[:500]
        await engine.stream.send_all(begun)
        await trio.sleep(2 * LIMIT + 10)
        await engine.stream.send_all(whole[500:])
        await trio.sleep(2 * LIMIT)
        assert (sizes, reasons) == ([1000], [])


async def test_a_pong_or_an_opcode_of_nobodys_that_drips_ends_with_the_heartbeat(autojump_clock: MockClock) -> None:
    async with connected() as (client, log, reasons):
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for byte in frame(PING, bytes(100)) + frame(BINARY, bytes(100)):
                    await trio.sleep(9)
                    await client.send(bytes([byte]))

            nursery.start_soon(drip)
            await client.rest()
            nursery.cancel_scope.cancel()
        assert log == []
        assert reasons in (["parse error"], ["ping timeout"])
        assert trio.current_time() < LIMIT + 60
