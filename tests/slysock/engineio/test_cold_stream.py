"""What only trio-websocket sees: pings, and messages in fragments."""

from trio.testing import MockClock

from slysock import Router, Socket
from tests.slysock.engineio.frames import BINARY, PING, PONG, TEXT, connected, event, fragmented, frame, raw
from tests.slysock.serving import serving


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


async def test_a_ping_is_answered_with_its_data(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(frame(PING, b"data"), frame(TEXT, event("after")), frame(PONG, b"unasked"))
        frames = [await client.next() for _ in range(2)]
        assert sorted(frames) == sorted([(PONG, b"data"), (TEXT, event("after"))])


async def test_a_ping_inside_a_fragmented_message_is_answered(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(fragmented(event("whole"), 2, between=frame(PING, b"1")))
        assert sorted([await client.next(), await client.next()]) == [(TEXT, event("whole")), (PONG, b"1")]
