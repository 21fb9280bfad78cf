"""The fast lane: hot messages and cold ones in the order in which they came."""

from typing import final

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from slysock import Config, Router, Socket
from slysock.engineio.lane import MOST_AT_ONCE, MOST_OF_A_TURN, Lane, Loss
from slysock.engineio.reading import Take
from slysock.engineio.transport import Transport
from slysock_protocol import RemoteProtocolError
from slysock_protocol.errors import CloseCode
from tests.slysock.engineio.frames import BINARY, CLOSE, PING, TEXT, connected, echoing, event, fragmented, frame, raw
from tests.slysock.serving import serving


@final
class Noting:
    """An owner that notes what it is given."""

    def __init__(self) -> None:
        self.notes: list[object] = []
        self.backlogged = False

    def receive_text(self, data: bytes) -> None:
        self.notes.append(data.decode())

    def receive_binary(self, data: bytes) -> None:
        self.notes.append(data)

    def fail(self, error: RemoteProtocolError) -> None:
        self.notes.append(error.close_code)

    def lose(self, transport: Transport, reason: Loss) -> None:
        raise AssertionError("a lane loses nothing")

    async def wait_ready(self) -> None:
        self.notes.append("waited")
        self.backlogged = False
        await trio.lowlevel.checkpoint()


def lane_of(*pieces: bytes, behind: bytes = b"") -> tuple[Lane, Noting]:
    """A lane whose client has sent this, a piece at a time, and left."""
    owner = Noting()
    lane = Lane(Pieces(list(pieces)), behind, Config(max_payload_bytes=1000), trio.Lock())
    lane.owner = owner
    return lane, owner


@final
class Pieces:
    """A source of bytes: each piece by itself, then the end."""

    has_unread = False

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    async def read(self, take: Take) -> None:
        await trio.lowlevel.checkpoint()
        while take(self.pieces.pop(0) if self.pieces else b""):
            pass


async def test_hot_messages_go_to_the_owner_until_the_end() -> None:
    lane, owner = lane_of(
        frame(TEXT, b"one"), frame(BINARY, b"two") + frame(TEXT, b"three"), behind=frame(TEXT, b"zero")
    )
    assert await lane.next_cold() == b""
    assert owner.notes == ["zero", "one", b"two", "three"]


async def test_what_is_cold_is_returned_behind_the_hot_before_it() -> None:
    lane, owner = lane_of(frame(TEXT, b"one") + frame(PING, b"p") + frame(TEXT, b"two"))
    assert await lane.next_cold() == frame(PING, b"p")
    assert owner.notes == ["one"]
    assert await lane.next_cold() == b""
    assert owner.notes == ["one", "two"]


async def test_a_message_in_fragments_is_hot_and_what_comes_between_them_is_not() -> None:
    lane, owner = lane_of(fragmented(b"one", 2, between=frame(PING, b"p")) + frame(TEXT, b"two"))
    assert await lane.next_cold() == frame(PING, b"p")
    assert owner.notes == []
    assert await lane.next_cold() == b""
    assert owner.notes == ["one", "two"]


@pytest.mark.parametrize("joined", [False, True])
async def test_an_owner_that_is_backlogged_is_waited_for(joined: bool) -> None:
    pieces = [frame(TEXT, b"one"), frame(TEXT, b"two")]
    lane, owner = lane_of(*([b"".join(pieces)] if joined else pieces))
    owner.backlogged = True
    assert await lane.next_cold() == b""
    assert owner.notes == ["waited", "one", "two"]


@pytest.mark.parametrize("joined", [False, True])
async def test_an_owner_that_becomes_backlogged_gets_the_rest_later(joined: bool) -> None:
    pieces = [frame(TEXT, b"one"), frame(TEXT, b"two")]
    lane, owner = lane_of(*([b"".join(pieces)] if joined else pieces))

    def fill(data: bytes) -> None:
        owner.notes.append(data.decode())
        owner.backlogged = True

    owner.receive_text = fill  # type: ignore[method-assign]  # an owner of another habit
    assert await lane.next_cold() == b""
    assert owner.notes == ["one", "waited", "two", "waited"]


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("goodbye", [b"", frame(CLOSE, b"\x03\xea")])
async def test_an_error_is_told_behind_what_came_before_it_and_what_follows_is_dropped(
    joined: bool, goodbye: bytes
) -> None:
    pieces = [frame(TEXT, b"before"), frame(TEXT, b"\xff"), frame(TEXT, b"after")]
    lane, owner = lane_of(*([b"".join(pieces)] if joined else pieces), goodbye)
    assert await lane.next_cold() == b""
    assert owner.notes[:2] == ["before", CloseCode.NOT_UTF8]
    assert set(owner.notes[2:]) <= {CloseCode.NOT_UTF8}


async def test_nobody_owns_a_lane_at_first_and_what_comes_is_forgotten() -> None:
    lane = Lane(
        Pieces([frame(TEXT, b"one") + frame(BINARY, b"two") + frame(TEXT, b"\xff")]),
        b"",
        Config(max_payload_bytes=1000),
        trio.Lock(),
    )
    assert await lane.next_cold() == b""
    await lane.owner.wait_ready()
    assert not lane.owner.backlogged


# ---- end to end -----------------------------------------------------------------------------------------------------


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


# ---- floods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [MOST_AT_ONCE, MOST_AT_ONCE + 1, 1000])
async def test_a_flood_is_handled_whole_and_in_order(count: int) -> None:
    lane, owner = lane_of(b"".join(frame(TEXT, b"%d" % number) for number in range(count)))
    assert await lane.next_cold() == b""
    assert owner.notes == [str(number) for number in range(count)]


async def test_forty_floods_together_take_no_more_of_a_turn_than_one() -> None:
    """Counted in messages: what is handled in all between two turns of an honest client."""
    turn, floods, between = trio.Lock(), list[Noting](), list[int]()
    flood = frame(TEXT, b"0/chat,") * 5000

    async def honest() -> None:
        before = 0
        for _ in range(100):
            await trio.lowlevel.checkpoint()
            handled = sum(len(owner.notes) for owner in floods)
            between.append(handled - before)
            before = handled

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            owner, lane = Noting(), Lane(Pieces([flood]), b"", Config(max_payload_bytes=1000), turn)
            lane.owner = owner
            floods.append(owner)
            nursery.start_soon(lane.next_cold)
        await honest()
        assert max(between) <= 40 * MOST_AT_ONCE, "even when all come at once"
        assert max(between[5:]) <= 2 * MOST_OF_A_TURN, "two turns: Trio shuffles the tasks of a batch"
        assert sum(between[5:]) > 80 * MOST_OF_A_TURN, "they go on"
        assert max(len(owner.notes) for owner in floods) - min(len(owner.notes) for owner in floods) <= MOST_OF_A_TURN
        nursery.cancel_scope.cancel()


async def test_what_waits_for_its_turn_counts_as_unread() -> None:
    lane, owner = lane_of(frame(TEXT, b"x") * (MOST_AT_ONCE + 1))
    async with trio.open_nursery() as nursery, lane._turn:
        nursery.start_soon(lane.next_cold)
        await trio.testing.wait_all_tasks_blocked()
        assert lane.has_unread
        assert not lane.heard_part, "whole messages are no sign of life"
        assert len(owner.notes) == MOST_AT_ONCE
    assert len(owner.notes) == MOST_AT_ONCE + 1


async def test_a_backlog_that_grows_while_a_turn_is_waited_for_holds_the_rest() -> None:
    lane, owner = lane_of(frame(TEXT, b"x") * (MOST_AT_ONCE + 1))
    async with trio.open_nursery() as nursery, lane._turn:
        nursery.start_soon(lane.next_cold)
        await trio.testing.wait_all_tasks_blocked()
        owner.backlogged = True
    assert owner.notes[MOST_AT_ONCE:] == ["waited", "x"]
