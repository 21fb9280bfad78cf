"""The lane over memory streams, with frames of the test's own making; trio-websocket sees to the cold ones."""

import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.ids import DisconnectReason
from slysock.testing import Memory
from tests.slysock.serving import serving

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: memory\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, bits: int = 0) -> bytes:
    """A client's frame."""
    first = bytes([(0x80 if final else 0) | bits | opcode])
    flag = 0x80 if masked else 0
    if len(payload) < 126:
        head = first + bytes([flag | len(payload)])
    elif len(payload) < 65536:
        head = first + bytes([flag | 126]) + struct.pack("!H", len(payload))
    else:
        head = first + bytes([flag | 127]) + struct.pack("!Q", len(payload))
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def fragmented(payload: bytes, pieces: int, opcode: int = TEXT, between: bytes = b"") -> bytes:
    """A message in so many fragments, with control frames between them."""
    size = max(1, -(-len(payload) // pieces))
    parts = [payload[start : start + size] for start in range(0, size * pieces, size)]
    frames = [frame(opcode if index == 0 else 0, part, final=index == pieces - 1) for index, part in enumerate(parts)]
    return between.join(frames)


class Raw:
    """A client that is nothing but bytes; what the server sends is split into (opcode, payload)."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._data = b""

    async def send(self, *frames: bytes) -> None:
        await self.stream.send_all(b"".join(frames))

    async def _need(self, count: int) -> bytes:
        while len(self._data) < count:
            piece = await self.stream.receive_some(65536)
            if not piece:
                raise EOFError
            self._data += piece
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    async def head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await self._need(1)
        return head

    async def next(self) -> tuple[int, bytes]:
        first, second = await self._need(2)
        assert first & 0xF0 == 0x80
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", await self._need(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", await self._need(8))
        return first & 0x0F, await self._need(length)

    async def closing(self) -> int:
        """The code of the close frame, which is answered; whatever comes before it is dropped."""
        while True:
            opcode, payload = await self.next()
            if opcode == CLOSE:
                (code,) = struct.unpack("!H", payload[:2])
                with suppress(trio.BrokenResourceError):
                    await self.send(frame(CLOSE, payload))
                return int(code)

    async def rest(self) -> list[tuple[int, bytes]]:
        """Everything up to the end of the connection."""
        frames = []
        with suppress(EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                frames.append(await self.next())
        return frames


def echoing() -> tuple[Router, list[str], list[DisconnectReason]]:
    """A router that notes texts and echoes them, and why its clients left."""
    root, log, reasons = Router(), list[str](), list[DisconnectReason]()

    @root.on("e")
    def echo(socket: Socket, text: str) -> None:
        log.append(text)
        socket.emit("e", text)

    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    return root, log, reasons


def event(text: str) -> bytes:
    return b'42["e","%s"]' % text.encode()


async def raw(memory: Memory, *, behind: bytes = b"", joined: bool = True) -> Raw:
    client = Raw(memory.open())
    await client.send(HANDSHAKE + behind)
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert (await client.next())[1].startswith(b'0{"sid"')
    if joined:
        await client.send(frame(TEXT, b"40"))
        assert (await client.next())[1].startswith(b'40{"sid"')
    return client


@asynccontextmanager
async def connected(config: Config | None = None) -> AsyncGenerator[tuple[Raw, list[str], list[DisconnectReason]]]:
    root, log, reasons = echoing()
    async with serving(root, config=config) as memory:
        yield await raw(memory), log, reasons


# ---- what comes in --------------------------------------------------------------------------------------------------


async def test_hot_frames_are_handled_in_order(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(*(frame(TEXT, event(str(number))) for number in range(100)))
        assert [await client.next() for _ in range(100)] == [(TEXT, event(str(number))) for number in range(100)]


async def test_frames_byte_by_byte(autojump_clock: MockClock) -> None:
    async with connected() as (client, log, _):
        for byte in frame(TEXT, event("hot")) + fragmented(event("cold"), 3) + frame(TEXT, event("x" * 200)):
            await client.send(bytes([byte]))
            await trio.lowlevel.checkpoint()
        for expected in ("hot", "cold", "x" * 200):
            assert await client.next() == (TEXT, event(expected))
        assert log == ["hot", "cold", "x" * 200]


async def test_what_follows_the_handshake_in_the_same_bytes_is_not_lost(autojump_clock: MockClock) -> None:
    root, _, _ = echoing()
    async with serving(root) as memory:
        client = await raw(memory, behind=frame(TEXT, b"40") + frame(TEXT, event("early")), joined=False)
        assert (await client.next())[1].startswith(b"40")
        assert await client.next() == (TEXT, event("early"))


messages = st.lists(st.tuples(st.text("abc", max_size=12), st.integers(0, 4), st.booleans()), max_size=12)


@given(messages=messages, chunk=st.integers(1, 90))
def test_fragmented_messages_keep_their_order_with_hot_frames_around_them(
    messages: list[tuple[str, int, bool]], chunk: int
) -> None:
    async def main() -> None:
        async with connected() as (client, log, _):
            wire, texts = b"", []
            for number, (text, pieces, pinged) in enumerate(messages):
                texts.append(f"{number}{text}")
                ping = frame(PING, b"p") if pinged else b""
                payload = event(texts[-1])
                wire += fragmented(payload, pieces, between=ping) if pieces > 1 else ping + frame(TEXT, payload)
            for start in range(0, len(wire), chunk):
                await client.send(wire[start : start + chunk])
                if start % 3 == 0:
                    await trio.lowlevel.checkpoint()
            echoes = []
            while len(echoes) < len(texts):
                opcode, payload = await client.next()
                if opcode == TEXT:
                    echoes.append(payload)
            assert echoes == [event(text) for text in texts]
            assert log == texts

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_a_fragmented_binary_attachment_reaches_its_event(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[bytes]()

    @root.on("b")
    def take(socket: Socket, data: bytes) -> str:
        seen.append(data)
        return "ok"

    async with serving(root) as memory:
        client = await raw(memory)
        await client.send(
            frame(TEXT, b'451-1["b",{"_placeholder":true,"num":0}]'), fragmented(b"\xff" * 300, 3, BINARY)
        )
        assert await client.next() == (TEXT, b'431["ok"]')
        assert seen == [b"\xff" * 300]


async def test_a_cold_message_waits_for_back_pressure_like_a_hot_one(autojump_clock: MockClock) -> None:
    root, log = Router(), list[int]()

    @root.on("slow")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(1)
        log.append(number)

    async with serving(root, config=Config(max_pending_events=2)) as memory:
        client = await raw(memory)
        for number in range(30):
            payload = b'42["slow",%d]' % number
            await client.send(fragmented(payload, 2) if number % 3 else frame(TEXT, payload))
        await trio.sleep(20)
        assert len(log) <= 20
        await trio.sleep(20)
        assert log == list(range(30))


# ---- control frames -------------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_its_data(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(frame(PING, b"data"), frame(TEXT, event("after")), frame(PONG, b"unasked"))
        frames = [await client.next() for _ in range(2)]
        assert sorted(frames) == sorted([(PONG, b"data"), (TEXT, event("after"))])


async def test_a_ping_inside_a_fragmented_message_is_answered(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(fragmented(event("whole"), 2, between=frame(PING, b"1")))
        assert sorted([await client.next(), await client.next()]) == [(TEXT, event("whole")), (PONG, b"1")]


@pytest.mark.parametrize("fragments_before", [False, True])
async def test_a_client_that_closes_is_answered_and_gone(autojump_clock: MockClock, fragments_before: bool) -> None:
    async with connected() as (client, _, reasons):
        if fragments_before:
            await client.send(fragmented(event("x"), 2))
            await client.next()
        await client.send(frame(TEXT, event("last")), frame(CLOSE, b"\x03\xe8bye"))
        assert await client.next() == (TEXT, event("last"))
        opcode, payload = await client.next()
        assert (opcode, payload[:2]) == (CLOSE, b"\x03\xe8")
        assert await client.rest() == []
        assert reasons == ["transport close"]
        assert trio.current_time() < 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (fragmented(b"\xff\xff", 2), 1007),
        (frame(TEXT, b"4" * 1001), 1009),
        (fragmented(b"4" * 1001, 3), 1009),
        (b"\x81\xff" + (1 << 30).to_bytes(8, "big"), 1009),
        (frame(TEXT, b"40", masked=False), 1002),
        (frame(TEXT, b"40", bits=0x40), 1002),
        (frame(3, b"reserved"), 1002),
        (frame(0, b"continues nothing"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, final=False), 1002),
        (frame(TEXT, b"4", final=False) + frame(TEXT, b"4"), 1002),
        (frame(TEXT, b"4", final=False) + frame(0, b"", final=False) * 2000, 1008),
        (frame(TEXT, b"9 no such packet"), 1002),
        (frame(BINARY, b"not announced"), 1002),
        (frame(TEXT, b"2"), 1002),
    ],
)
async def test_what_breaks_the_protocol_is_closed_with_its_code_behind_what_came_before(
    autojump_clock: MockClock, bad: bytes, code: int
) -> None:
    async with connected(Config(max_payload_bytes=1000)) as (client, log, reasons):
        await client.send(frame(TEXT, event("before")), bad, frame(TEXT, event("after")))
        assert await client.next() == (TEXT, event("before"))
        assert await client.closing() == code
        await client.rest()
        assert log == ["before"]
        assert reasons in (["parse error"], ["transport close"])
        assert trio.current_time() <= 5


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_a_client_that_is_gone_without_a_word_ends_its_session(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, reasons):
        await client.send(frame(TEXT, b"4")[:3])
        await trio.aclose_forcefully(client.stream)
        await trio.sleep(1)
        assert reasons == ["transport close"]


async def test_a_half_closed_connection_ends_its_session(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, reasons):
        assert isinstance(client.stream, trio.StapledStream)
        await client.stream.send_stream.aclose()
        await client.rest()
        assert reasons == ["transport close"]


async def test_a_client_that_does_not_answer_the_close_is_not_waited_for(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    async with serving(root) as memory:
        client = await raw(memory)
        memory.server.of("/").sockets()[0].disconnect(close=True)
        frames = await client.rest()
        assert [opcode for opcode, _ in frames] == [TEXT, CLOSE]
        assert trio.current_time() == 5
    assert reasons == ["server namespace disconnect"]


@pytest.mark.parametrize("cold_before", [False, True])
async def test_a_server_that_closes_waits_for_the_clients_close(autojump_clock: MockClock, cold_before: bool) -> None:
    root, _, _ = echoing()
    async with serving(root) as memory:
        client = await raw(memory)
        if cold_before:
            await client.send(frame(PING))
            assert await client.next() == (PONG, b"")
        memory.server.of("/").sockets()[0].disconnect(close=True)
        assert await client.next() == (TEXT, b"41")
        await client.send(frame(PING, b"late"), frame(TEXT, event("late")))
        assert await client.closing() == 1000
        await client.rest()
        assert trio.current_time() < 1


@pytest.mark.parametrize("turns", range(12))  # the message may be anywhere on its way when the server closes
async def test_a_server_that_closes_behind_a_fragmented_message_does_not_wait_for_it(
    autojump_clock: MockClock, turns: int
) -> None:
    root, _, _ = echoing()
    async with serving(root) as memory:
        client = await raw(memory)
        await client.send(frame(PING))
        assert await client.next() == (PONG, b"")
        await client.send(fragmented(event("late"), 2))
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        memory.server.of("/").sockets()[0].disconnect(close=True)
        assert await client.closing() == 1000
        await client.rest()
        assert trio.current_time() < 1


async def test_a_client_that_leaves_without_reading_is_not_waited_for_long(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    async with serving(root, config=Config(write_timeout_seconds=60)) as memory:
        client = await raw(memory)
        await client.send(frame(PING))
        assert await client.next() == (PONG, b"")
        memory.server.of("/").emit("news")
        await wait_all_tasks_blocked()
        await client.send(frame(CLOSE, b"\x03\xe8") + frame(PING))  # not the goodbye of an ordinary client
        await trio.sleep(6)
        assert reasons == ["transport close"]
        assert memory.server.statistics().open_sockets == 0


async def test_a_client_that_never_reads_is_closed_when_nothing_can_be_written(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    async with serving(root, config=Config(write_timeout_seconds=7)) as memory:
        client = await raw(memory)
        memory.server.of("/").emit("news")
        await trio.sleep(6)
        assert reasons == []
        await trio.sleep(2)
        assert reasons == ["transport error"]
        assert client
