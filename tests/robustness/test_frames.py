"""WebSocket frames that RFC 6455 forbids, and legal ones by the hundred thousand."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config
from slysock_protocol.limits import MAX_FRAGMENTS
from tests.robustness.scene import QUIET, WEBSOCKET, scene
from tests.robustness.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ending, Frame, WebSocketPeer, frame

EVENT = b'42["note"]'
LIMITED = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, max_payload_bytes=100_000)


@pytest.mark.parametrize(
    "payload",
    [b'42["note","\xff"]', b"\xc3\x28", b"4\xed\xa0\x80", b"3\xf0\x9f\x98", b"\xff" * 5000],
    ids=["in an event", "broken sequence", "surrogate", "cut off", "long"],
)
async def test_a_text_frame_that_is_not_utf8_is_1007(payload: bytes, autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, payload) + frame(TEXT, EVENT))
        await stage.undisturbed()
        assert await peer.ending() == Ending(1007, "text that is not UTF-8")
        assert (stage.handled, stage.reasons) == ([], ["parse error"])


async def test_fragments_that_make_no_utf8_are_1007(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, b'42["note","\xff', final=False) + frame(CONTINUATION, b'"]') + frame(TEXT, EVENT))
        await stage.undisturbed()
        assert (await peer.ending()).code == 1007
        assert stage.handled == []


async def test_utf8_cut_by_a_fragment_is_no_error(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        text = '42["note","ü"]'.encode()
        cut = text.index(b"\xc3") + 1
        await peer.raw(frame(TEXT, text[:cut], final=False) + frame(CONTINUATION, text[cut:]))
        await wait_all_tasks_blocked()
        assert stage.handled == [("ü",)]
        await peer.drop()


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, EVENT, masked=False),
        frame(BINARY, EVENT, masked=False),
        frame(PING, b"", masked=False),
        *(frame(TEXT, EVENT, reserved=bits) for bits in (1, 2, 4, 7)),
        frame(PING, b"", reserved=4),
        *(frame(opcode, b"") for opcode in (3, 7, 11, 15)),
        frame(PING, bytes(126)),
        frame(PING, b"", final=False),
        frame(CONTINUATION, EVENT),
        frame(TEXT, b"4", final=False) + frame(TEXT, EVENT),
        frame(CLOSE, b"\x03"),
        frame(CLOSE, (1005).to_bytes(2, "big")),
        b"\x81\xfe\x00\x05\x01\x02\x03\x0442345",  # a length that fits one byte, written in two
        b"\x81\xff" + (5).to_bytes(8, "big") + b"\x01\x02\x03\x0442345",
        b"\x81\xff" + bytes([0x80, 0, 0, 0, 0, 0, 0, 1]) + b"\x01\x02\x03\x04",
    ],
)
async def test_an_illegal_frame_is_1002_or_too_big_and_nothing_behind_it_counts(
    data: bytes, autojump_clock: MockClock
) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.raw(data + frame(TEXT, EVENT))
        await stage.undisturbed()
        assert (await peer.ending()).code in (1002, 1009)
        assert stage.handled == []
        assert len(stage.reasons) == 1


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("length", [1 << 30, LIMITED.max_payload_bytes + 1])
async def test_a_length_of_1_gib_is_1009_before_a_byte_of_it_is_kept(
    length: int, final: bool, masked: bool, autojump_clock: MockClock
) -> None:
    async with scene(config=LIMITED, costs=1_000_000) as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, b"42", final=final, masked=masked, announced=length))
        await stage.undisturbed()
        if masked:
            assert await peer.ending() == Ending(1009, "")
        else:
            assert (await peer.ending()).code in (1002, 1009)
        assert stage.handled == []


async def test_the_largest_message_is_taken_and_one_byte_more_is_1009(autojump_clock: MockClock) -> None:
    async with scene(config=LIMITED) as stage:
        peer = await stage.peer()
        room = LIMITED.max_payload_bytes - len('42["note",""]')
        await peer.send(f'42["note","{"x" * room}"]')
        await wait_all_tasks_blocked()
        assert [len(str(args[0])) for args in stage.handled] == [room]
        await peer.send(f'42["note","{"x" * (room + 1)}"]')
        assert await peer.ending() == Ending(1009, "")
        assert stage.reasons == ["parse error"]


async def test_fragments_without_end_are_1009_at_the_limit(autojump_clock: MockClock) -> None:
    async with scene(config=LIMITED, costs=2_000_000) as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, b"4", final=False))
        for _ in range(200):
            await peer.raw(frame(CONTINUATION, bytes(1000), final=False))
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        assert await peer.ending() == Ending(1009, "")
        assert stage.handled == []


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
async def test_tiny_fragments_by_the_hundred_thousand_are_1008_cve_2026_48779(
    payload: bytes, autojump_clock: MockClock
) -> None:
    """GHSA-96hv-2xvq-fx4p: each of them is under every limit of bytes, and each costs memory beyond its bytes."""
    async with scene(costs=4_000_000) as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, b"4", final=False))
        for _ in range(100):
            await peer.raw(frame(CONTINUATION, payload, final=False) * 1000)
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        assert await peer.ending() == Ending(1008, "too many fragments")
        assert stage.handled == []


async def test_control_frames_between_tiny_fragments_do_not_lift_their_limit(autojump_clock: MockClock) -> None:
    async with scene(costs=4_000_000) as stage:
        peer = await stage.peer()
        await peer.raw(frame(TEXT, b"4", final=False))
        await peer.raw((frame(CONTINUATION, b"", final=False) + frame(PONG)) * (MAX_FRAGMENTS + 1))
        assert await peer.ending() == Ending(1008, "too many fragments")


@pytest.mark.parametrize("how", ["one frame", "fragments", "pings between"])
async def test_a_message_that_drips_is_1008_when_its_time_is_over(how: str, autojump_clock: MockClock) -> None:
    fragment = frame(CONTINUATION, b"x" * 100, final=False)
    piece = {"one frame": b"x", "fragments": fragment, "pings between": frame(PING, b"") + fragment}[how]
    async with scene() as stage:
        peer = await stage.peer()
        begun = frame(TEXT, bytes(10_000))[:100] if how == "one frame" else frame(TEXT, b"42", final=False)
        await peer.raw(begun)
        await stage.undisturbed()
        started = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                while True:
                    await trio.sleep(7)
                    await peer.raw(piece)

            nursery.start_soon(drip)
            assert await peer.ending() == Ending(1008, "the message did not arrive in time")
            nursery.cancel_scope.cancel()
        assert trio.current_time() - started == pytest.approx(QUIET.request_body_seconds, abs=8)
        assert (stage.handled, stage.reasons) == ([], ["parse error"])


async def test_tiny_messages_by_the_hundred_thousand_are_handled_without_being_piled_up(
    autojump_clock: MockClock,
) -> None:
    """Legal, so nobody is told anything; and in pieces that the network cut as small as it can."""
    async with scene(costs=4_000_000) as stage:
        peer = await stage.peer()
        tiny = frame(TEXT, b"6") * 1000
        for _ in range(100):
            await peer.raw(tiny)
            await wait_all_tasks_blocked()
        for byte in frame(TEXT, EVENT) * 20:
            await peer.raw(bytes([byte]))
        await wait_all_tasks_blocked()
        assert stage.handled == [()] * 20
        await stage.undisturbed()
        await peer.drop()


async def test_pongs_that_nobody_asked_for_cost_nothing(autojump_clock: MockClock) -> None:
    """Neither those of Engine.IO, which could each start a timer, nor those of WebSocket."""
    config = Config()  # with a heartbeat, so that there are timers
    async with scene(config=config, costs=2_000_000) as stage:
        peer = await stage.peer()
        for _ in range(50):
            await peer.raw(frame(TEXT, b"3") * 1000 + frame(PONG) * 100)
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        await peer.drop()


async def test_a_websocket_ping_is_answered_and_a_flood_of_them_is_bounded(autojump_clock: MockClock) -> None:
    """A client that sends pings and reads no answers is a slow consumer like any other."""
    config = Config(
        ping_interval_seconds=100_000,
        ping_timeout_seconds=100_000,
        max_outbox_bytes=10_000,
        max_outbox_hard_bytes=10_000,
    )
    async with scene(config=config, costs=2_000_000) as stage:
        peer = await stage.peer()
        await peer.raw(frame(PING, b"hello"))
        assert await peer.next_frame() == Frame(PONG, b"hello")
        for _ in range(20):
            await peer.raw(frame(PING, bytes(100)) * 10)
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        await stage.wait_alone()
        assert stage.reasons == ["slow consumer"]


async def test_a_close_frame_is_answered_and_nothing_behind_it_counts(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.raw(frame(CLOSE, (1000).to_bytes(2, "big") + b"bye") + frame(TEXT, EVENT))
        assert (await peer.ending()).code == 1000
        assert (stage.handled, stage.reasons) == ([], ["transport close"])


async def test_a_client_that_never_answers_the_close_frame_is_cut_off(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send("4abc")
        started = trio.current_time()
        found = await peer.next_frame()
        assert (found.opcode, found.payload[2:]) == (CLOSE, b"unknown packet type")
        while await peer.stream.receive_some():
            pass
        assert trio.current_time() - started <= 10
        assert stage.reasons == ["parse error"]


async def test_an_opening_handshake_without_a_key_or_of_another_version_is_400(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        for headers in (
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")],
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")],
            [("Upgrade", "h2c"), ("Connection", "Upgrade")],
            [],
        ):
            answer = await stage.ask("GET", WEBSOCKET, headers=headers)
            assert (answer.status, answer.body) == (400, b'{"code":3,"message":"Bad request"}')


# ---- upgrades -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [[], ["2probe"]], ids=["no probe", "probed"])
async def test_an_upgrade_begun_and_never_finished_is_closed_and_polling_goes_on(
    steps: list[str], autojump_clock: MockClock
) -> None:
    """socketioxide#731: such connections stayed for ever."""
    async with scene() as stage:
        poller = await stage.poller()
        websocket = WebSocketPeer(await stage.stream())
        assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await websocket.send(*steps)
        await stage.undisturbed()
        started = trio.current_time()
        assert await websocket.ending() == Ending(1000, "")
        assert trio.current_time() - started == pytest.approx(QUIET.upgrade_timeout_seconds)
        assert (await poller.post('427["echo","by polling"]')).body == b"ok"
        assert await poller.packets() == ['437["by polling"]']
        again = WebSocketPeer(await stage.stream())
        assert await again.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await again.send("2probe")
        assert await again.receive() == "3probe"
        await again.send("5", '428["echo","upgraded"]')
        assert await again.receive() == '438["upgraded"]'
        await again.drop()


@pytest.mark.parametrize("message", ["3probe", "2", "40", '42["note"]', "", b"\x01"])
async def test_a_first_message_that_is_no_probe_closes_the_websocket_and_polling_goes_on(
    message: str | bytes, autojump_clock: MockClock
) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        websocket = WebSocketPeer(await stage.stream())
        assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await websocket.send(message, '42["note"]')
        assert await websocket.ending() == Ending(1000, "")
        assert stage.handled == []
        await stage.undisturbed()
        assert (await poller.post("1")).body == b"ok"


async def test_an_upgrade_whose_session_ends_meanwhile_ends_with_it(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        websocket = WebSocketPeer(await stage.stream())
        assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await websocket.send("2probe")
        assert await websocket.receive() == "3probe"
        assert (await poller.post("1")).body == b"ok"
        await websocket.send("5", '42["note"]')
        assert await websocket.ending() == Ending(1000, "")
        assert stage.handled == []
