"""A WebSocket connection over memory streams: how it ends, and whose doing that was."""

from collections.abc import Callable, Generator
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Server, Socket
from slysock.engineio.session import Session
from slysock.testing import Memory, PollingClient
from slysock.testing.pipe import open_pipe
from tests.slysock.engineio import frames
from tests.slysock.engineio.frames import (
    BINARY,
    CLOSE,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    Raw,
    connected,
    echoing,
    event,
    fragmented,
    frame,
    raw,
)
from tests.slysock.http.peer import Resetting
from tests.slysock.serving import check_nothing_remains, logged, serving


@pytest.fixture(params=["a task", "no task"], autouse=True)
def life(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Whether a connection has a task from the beginning, or only while something has to wait."""
    if request.param == "no task":
        monkeypatch.setattr(frames, "open_wire", frames.open_socket)
    yield str(request.param)
    while frames.opened:
        frames.opened.pop().close()


without_buffer = pytest.mark.parametrize("life", ["a task"], indirect=True)  # that a kernel would have


# ---- the client's doing ---------------------------------------------------------------------------------------------


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


GOODBYE = frame(CLOSE, b"\x03\xe8bye")


@pytest.mark.parametrize("fragments_before", [False, True])
@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ([frame(CLOSE, b"\x03")], 1002),
        ([frame(CLOSE, b"\x03\xed")], 1002),
        ([frame(CLOSE, b"\x03\xe8\xff")], 1007),
        ([frame(CLOSE, b"x" * 126)], 1002),
        ([frame(CLOSE, final=False)], 1002),
        ([frame(CLOSE, bits=0x40)], 1002),
        ([frame(CLOSE, b"\x03\xe8", masked=False)], 1002),
        ([frame(3, b"reserved") + GOODBYE], 1002),
        ([frame(3, b"reserved"), GOODBYE], 1002),
        ([frame(3, b"reserved") + GOODBYE[:1], GOODBYE[1:4], GOODBYE[4:]], 1002),
        ([frame(3, b"reserved") + frame(TEXT, b"4") + GOODBYE], 1002),
        ([frame(TEXT, b"40", bits=0x40) + frame(CLOSE)], 1002),
        ([frame(TEXT, b"40", masked=False) + GOODBYE], 1002),
        ([frame(TEXT, b"\xff") + GOODBYE], 1007),
        ([frame(TEXT, b"4" * 1001) + GOODBYE], 1009),
        ([frame(TEXT, b"4" * 1001)[:-1], b"4" + GOODBYE], 1009),
        ([frame(TEXT, b"9 no such packet") + GOODBYE], 1002),
    ],
)
async def test_a_client_that_breaks_the_protocol_and_says_goodbye_is_not_waited_for(
    autojump_clock: MockClock, chunks: list[bytes], code: int, fragments_before: bool
) -> None:
    """RFC 6455, section 7.1.1: "The underlying TCP connection […] SHOULD be closed first by the server", at once."""
    async with connected(Config(max_payload_bytes=1000)) as (client, log, _):
        if fragments_before:
            await client.send(fragmented(event("x"), 2))
            await client.next()
            log.clear()
        for chunk in chunks:
            await client.send(chunk)
            await wait_all_tasks_blocked()
        assert [payload[:2] for opcode, payload in await client.rest() if opcode == CLOSE] == [code.to_bytes(2, "big")]
        assert trio.current_time() == 0
        assert log == []


async def test_a_client_that_is_gone_without_a_word_ends_its_session(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, reasons):
        await client.send(frame(TEXT, b"4")[:3])
        await trio.aclose_forcefully(client.stream)
        await trio.sleep(1)
        assert reasons == ["transport close"]


async def test_a_half_closed_connection_ends_its_session(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, reasons):
        if isinstance(client.stream, trio.StapledStream):
            await client.stream.send_stream.aclose()
        else:
            assert isinstance(client.stream, trio.SocketStream)
            await client.stream.send_eof()
        await client.rest()
        assert reasons == ["transport close"]


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


@without_buffer
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


async def test_a_client_that_is_gone_in_the_middle_of_a_fragmented_message_ends_its_session(
    autojump_clock: MockClock,
) -> None:
    async with connected() as (client, log, reasons):
        await client.send(frame(TEXT, b"4", final=False))
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(client.stream)
        await trio.sleep(1)
        assert (log, reasons) == ([], ["transport close"])


async def test_a_connection_that_fails_while_it_is_read_ends_its_session(autojump_clock: MockClock) -> None:
    root, log, reasons = echoing()
    async with serving(root) as memory:
        await memory.server.serve_stream(Resetting(HANDSHAKE + frame(TEXT, b"40") + frame(TEXT, event("before"))))
        assert (log, reasons) == (["before"], ["transport error"])


@without_buffer
async def test_a_client_that_falls_too_far_behind_is_a_slow_consumer(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    async with serving(root, config=Config(max_outbox_bytes=1000, max_outbox_hard_bytes=1000)) as memory:
        await raw(memory)
        for _ in range(4):
            memory.server.of("/").emit("news", "x" * 300)
        assert memory.server.statistics().outbox_bytes <= 1000
        assert reasons == [], "not in the middle of a broadcast"
        await wait_all_tasks_blocked()
        assert reasons == ["slow consumer"]


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


@without_buffer
async def test_what_cannot_leave_at_once_is_not_taken_for_who_may_miss_it(autojump_clock: MockClock) -> None:
    async with serving(echoing()[0]) as memory:
        client = await raw(memory)
        await wait_all_tasks_blocked()
        namespace = memory.server.of("/")
        namespace.volatile.emit("taken")
        await wait_all_tasks_blocked()
        namespace.volatile.emit("missed")
        namespace.emit("kept")
        assert [await client.next() for _ in range(2)] == [(TEXT, b'42["taken"]'), (TEXT, b'42["kept"]')]


# ---- the server's doing ---------------------------------------------------------------------------------------------


async def test_a_client_that_does_not_answer_the_close_is_not_waited_for(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    async with serving(root) as memory:
        client = await raw(memory)
        memory.server.of("/").sockets()[0].disconnect(close=True)
        frames = await client.rest()
        assert [opcode for opcode, _ in frames] == [TEXT, CLOSE]
        assert trio.current_time() == 5
    assert reasons == ["server namespace disconnect"]


PIECE_BYTES = 65_536  # what a stream in memory takes at once


async def leaving_after(seconds: Callable[[int], float], total_bytes: int = 3_000_000) -> tuple[int, float]:
    """How much a client gets that reads a piece in so many seconds, after a graceful end; and how long that takes."""
    root, _, _ = echoing()
    async with serving(root, config=Config(write_timeout_seconds=60)) as memory:
        client = await raw(memory)
        (socket,) = memory.server.of("/").sockets()
        socket.emit("much", "x" * total_bytes)
        socket.disconnect(close=True)
        received, pieces, started = 0, 0, trio.current_time()
        with suppress(trio.BrokenResourceError):
            while piece := await client.stream.receive_some(PIECE_BYTES):
                received += len(piece)
                pieces += 1
                await trio.sleep(seconds(pieces))
        return received, trio.current_time() - started


async def test_a_client_that_reads_on_gets_all_that_was_said_before_the_end(autojump_clock: MockClock) -> None:
    received, took = await leaving_after(lambda _: PIECE_BYTES / 300_000)
    assert received > 3_000_000
    assert 10 < took < 20


@pytest.mark.parametrize(("rate", "whole"), [(110_000, True), (90_000, False)])
async def test_a_client_must_read_a_hundred_thousand_bytes_a_second(
    autojump_clock: MockClock, rate: int, whole: bool
) -> None:
    received, took = await leaving_after(lambda _: PIECE_BYTES / rate)
    assert (received > 3_000_000) is whole
    assert took < (40 if whole else 7)


@without_buffer
async def test_a_client_that_stops_reading_is_not_waited_for(autojump_clock: MockClock) -> None:
    received, _ = await leaving_after(lambda pieces: 0.1 if pieces < 30 else 100)
    assert received < 2_100_000


@without_buffer
async def test_nobody_is_waited_for_longer_than_a_minute(autojump_clock: MockClock) -> None:
    config = Config(write_timeout_seconds=60, max_outbox_bytes=10_000_000)
    root, _, _ = echoing()
    async with serving(root, config=config) as memory:
        client = await raw(memory)
        (socket,) = memory.server.of("/").sockets()
        socket.emit("much", "x" * 8_000_000)
        socket.disconnect(close=True)
        received = 0
        with suppress(trio.BrokenResourceError):
            while piece := await client.stream.receive_some(PIECE_BYTES):
                received += len(piece)
                await trio.sleep(PIECE_BYTES / 120_000)
        assert 60 <= trio.current_time() < 61
        assert received < 8_000_000


async def test_a_client_that_broke_a_rule_is_not_waited_for(autojump_clock: MockClock) -> None:
    root, _, _ = echoing()
    async with serving(root, config=Config(write_timeout_seconds=60)) as memory:
        client = await raw(memory)
        memory.server.of("/").emit("much", "x" * 3_000_000)
        await client.send(frame(TEXT, b"garbage"))
        received = 0
        with suppress(trio.BrokenResourceError):
            while piece := await client.stream.receive_some(PIECE_BYTES):
                received += len(piece)
                await trio.sleep(0.2)
        assert received < 3_000_000
        assert trio.current_time() < 6


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


async def test_a_ping_behind_what_made_the_server_close_is_none_of_the_librarys(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as (client, _, reasons):
        await client.send(frame(TEXT, b"garbage"), frame(PING, b"x"), frame(TEXT, event("late")))
        assert await client.closing() == 1002
        assert await client.rest() == []
        assert reasons == ["parse error"]
    assert logged(caplog) == []


@pytest.mark.parametrize("moment", ["open", "library", "closing", "stuck"])
async def test_a_connection_that_is_cancelled_ends_its_session_and_is_closed_at_once(
    autojump_clock: MockClock, moment: str
) -> None:
    root, _, reasons = echoing()
    async with serving(root) as memory, trio.open_nursery() as nursery:
        ours, theirs = open_pipe()
        scope = trio.CancelScope()

        async def serve() -> None:
            with scope:
                await memory.server.serve_stream(theirs)

        nursery.start_soon(serve)
        client = Raw(ours)
        await client.send(HANDSHAKE + frame(TEXT, b"40"))
        await client.head()
        for _ in range(2):
            await client.next()
        if moment == "library":
            await client.send(frame(TEXT, b"4", final=False))
        elif moment == "closing":
            memory.server.of("/").volatile.disconnect(close=True)
            assert (await client.next(), (await client.next())[0]) == ((TEXT, b"41"), CLOSE)
        elif moment == "stuck":
            memory.server.of("/").emit("news")  # which the client does not read
        await wait_all_tasks_blocked()
        scope.cancel()
        await wait_all_tasks_blocked()
        await client.rest()  # there is an end to it
        assert reasons == ["server namespace disconnect" if moment == "closing" else "transport error"]
        assert memory.server.statistics().open_sockets == 0
        assert trio.current_time() == 0


# ---- with a task and without -----------------------------------------------------------------------------------------


without_task = pytest.mark.parametrize("life", ["no task"], indirect=True)


@without_task
async def test_a_plain_socket_has_a_task_only_while_something_has_to_wait(autojump_clock: MockClock) -> None:
    root, handled = Router(), list[str]()

    @root.on("e")
    async def slow(socket: Socket, text: str) -> None:
        await trio.sleep(0.1)
        handled.append(text)

    async with serving(root, config=Config(max_pending_events=10)) as memory:
        client = await raw(memory)
        nursery = memory.server._front._connections.nursery
        await client.send(frame(TEXT, event("0")))
        await trio.sleep(0.2)
        assert (len(handled), len(nursery.child_tasks)) == (1, 0)
        await client.send(*[frame(TEXT, event(str(index))) for index in range(1, 30)])
        await trio.sleep(0.2)
        assert len(nursery.child_tasks) == 1, "more is read when there is room for it"
        await trio.sleep(4)
        assert (handled, len(nursery.child_tasks)) == ([str(index) for index in range(30)], 0)
        await client.send(frame(TEXT, event("last")), frame(CLOSE, b"\x03\xe8"))
        assert (await client.next())[0] == CLOSE
        assert await client.rest() == []
        assert len(nursery.child_tasks) == 0
        await trio.sleep(2)
        assert handled[-1] == "last"


@without_task
async def test_what_comes_with_the_request_is_taken_behind_it(autojump_clock: MockClock) -> None:
    root, log, reasons = echoing()
    async with serving(root) as memory:
        client = await raw(memory, behind=frame(TEXT, b"40") + frame(TEXT, event("a")), joined=False)
        assert (await client.next())[1].startswith(b'40{"sid"')
        assert await client.next() == (TEXT, event("a"))
        await raw(memory, behind=frame(CLOSE, b"\x03\xe8"), joined=False)
        await wait_all_tasks_blocked()
        assert (log, reasons) == (["a"], [])
        assert memory.server.statistics().open_sockets == 1


@without_task
async def test_a_bug_behind_one_message_ends_its_connection_and_nobody_elses(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, log, reasons = echoing()
    receive = Session.receive_text

    def fail(session: Session, data: bytes) -> None:
        assert b'"a"' not in data
        receive(session, data)

    async with serving(root) as memory:
        struck, beside = await raw(memory), await raw(memory)
        monkeypatch.setattr(Session, "receive_text", fail)
        await struck.send(frame(TEXT, event("a")))
        await struck.rest()
        assert reasons == ["transport error"]
        await beside.send(frame(TEXT, event("b")))
        assert await beside.next() == (TEXT, event("b"))
        assert log == ["b"]
    assert "a connection failed" in logged(caplog)


@without_task
async def test_a_server_that_is_cancelled_leaves_no_connection_open(autojump_clock: MockClock) -> None:
    root, _, reasons = echoing()
    server = Server(root)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery, server.running():
            memory = Memory(server, nursery)
            client = await raw(memory)
            waiting = frames.open_socket(memory)
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert await waiting.receive_some() == b""
    await client.rest()
    check_nothing_remains(server)
    assert reasons == ["server shutting down"]


@without_task
async def test_a_server_that_stops_in_the_middle_of_an_upgrade_leaves_no_connection_open(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router(), config=Config(upgrade_timeout_seconds=3)) as memory:
        polling = await memory.open_engine("polling")
        assert isinstance(polling, PollingClient)
        probe = await frames.probing(memory, polling._target)
        await probe.send(frame(TEXT, b"2probe"))
        assert await probe.next() == (TEXT, b"3probe")
        memory.server.stop()
        await trio.sleep(2)
        assert memory.server.statistics().connections > 0, "the upgrade may be how the client learns of the end"
        await trio.sleep(2)
        assert [opcode for opcode, _ in await probe.rest()] == [CLOSE]


@without_task
async def test_a_server_that_is_cancelled_in_the_middle_of_an_upgrade_closes_its_socket(
    autojump_clock: MockClock,
) -> None:
    server = Server(Router())
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery, server.running():
            memory = Memory(server, nursery)
            polling = await memory.open_engine("polling")
            assert isinstance(polling, PollingClient)
            probe = await frames.probing(memory, polling._target)
            await probe.send(frame(TEXT, b"2probe"))
            assert await probe.next() == (TEXT, b"3probe")
            scope.cancel()
            await trio.lowlevel.checkpoint()
    with trio.fail_after(1):
        await probe.rest()
    left = server.statistics()
    assert (left.connections, left.open_sockets, left.watched_sockets) == (0, 0, 0)
