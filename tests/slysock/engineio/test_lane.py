"""The fast lane: hot messages and cold ones in the order in which they came."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from slysock import Config, Router, Socket
from tests.slysock.engineio.frames import PING, TEXT, connected, echoing, event, fragmented, frame, raw
from tests.slysock.serving import serving


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
