"""The upgrade, end to end: nothing lost, nothing overtaken, and what fails leaves polling as it was."""

import json
from contextlib import suppress

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.testing import Closed, Memory, MemoryClient, PollingClient, WebSocketClient
from slysock_protocol.engineio import Message, Outgoing
from tests.slysock.engineio.frames import HANDSHAKE, TEXT, Raw, frame
from tests.slysock.engineio.polls import Quiet, quiet, reasons
from tests.slysock.serving import logged, only_session, serving, sessions_of

TARGET = "/socket.io/?EIO=4&transport=websocket"


async def polling(memory: Memory) -> tuple[MemoryClient, PollingClient]:
    client = await memory.connect(transport="polling")
    engine = client.connection.engine
    assert isinstance(engine, PollingClient)
    return client, engine


async def second(memory: Memory, engine: PollingClient) -> WebSocketClient:
    """A WebSocket for the session that has done nothing yet."""
    websocket = WebSocketClient(memory.open(), f"{TARGET}&sid={engine.handshake['sid']}", (), memory._nursery)
    with suppress(Closed):  # which may come together with the handshake; the inbox knows
        await websocket.connect()
    return websocket


async def probe(websocket: WebSocketClient, engine: PollingClient) -> None:
    """Send the probe and pause polling, as clients do."""
    engine._pausing = True
    await websocket.send_text(b"2probe")
    await websocket._greeted.wait()
    await engine._ended.wait()


def resume(engine: PollingClient) -> None:
    """Poll again."""
    engine._pausing, engine._ended, engine._scope = False, trio.Event(), trio.CancelScope()
    engine._nursery.start_soon(engine._poll)


async def closed(websocket: WebSocketClient) -> int:
    with pytest.raises(Closed) as caught:
        await websocket.inbox.get()
    return caught.value.code


async def open_second(memory: Memory, session: Quiet) -> WebSocketClient:
    """The same for a session that polls only when told to."""
    websocket = WebSocketClient(memory.open(), session.target.replace("=polling", "=websocket"), (), memory._nursery)
    await websocket.connect()
    return websocket


async def probed_by(memory: Memory, session: Quiet) -> WebSocketClient:
    """And its answer to a probe has come."""
    websocket = await open_second(memory, session)
    await websocket.send_text(b"2probe")
    await websocket._greeted.wait()
    return websocket


def numbers(start: int, stop: int) -> bytes:
    """A body, or a message, of numbered events."""
    return b"\x1e".join(b'42["n",%d]' % number for number in range(start, stop))


def transports(memory: Memory) -> list[str]:
    return [session.transport.name for session in sessions_of(memory)]


def echoing() -> Router:
    root = Router()

    @root.on("echo")
    def echo(socket: Socket, value: int) -> None:
        socket.emit("echo", value)

    root.on("ask")(lambda socket, value: value)
    return root


async def test_the_handshake_offers_the_upgrade_where_it_is_allowed(autojump_clock: MockClock) -> None:
    for config, offered in [
        (Config(), ["websocket"]),
        (Config(allow_upgrades=False), []),
        (Config(transports=["polling"]), []),
    ]:
        async with serving(Router(), config=config) as memory:
            assert (await memory.open_engine("polling")).handshake["upgrades"] == offered
    async with serving(Router()) as memory:
        assert (await memory.open_engine("websocket")).handshake["upgrades"] == []


async def test_an_upgraded_session_goes_on_as_it_was(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        (socket,) = memory.server.of("/").sockets()
        await engine.upgrade()
        assert await client.call("ask", 1) == 1
        assert transports(memory) == ["websocket"]
        assert memory.server.of("/").sockets() == [socket]
        response = await memory.request("GET", engine._target)
        assert response.status == 400
        assert await client.call("ask", 2) == 2, "a late poll changes nothing"


step = st.sampled_from(["emit", "echo", "binary", "turn"])
steps = st.lists(step, max_size=6)


@settings(max_examples=60)
@given(before=steps, probing=steps, probed=steps, between=steps, after=steps)
def test_nothing_is_lost_or_overtaken_whatever_is_said_meanwhile(
    before: list[str], probing: list[str], probed: list[str], between: list[str], after: list[str]
) -> None:
    async def main() -> None:
        async with serving(echoing()) as memory:
            client, engine = await polling(memory)
            (socket,) = memory.server.of("/").sockets()
            said, asked, counter = list[int](), list[int](), iter(range(1000))

            async def act(steps: list[str], *, sends: bool = True) -> None:
                for step in steps:
                    number = next(counter)
                    if step == "turn":
                        for _ in range(7):  # polls follow each other now, so that not all tasks ever rest
                            await trio.lowlevel.checkpoint()
                    elif step == "echo" and sends:
                        asked.append(number)
                        await client.emit("echo", number)
                    else:
                        said.append(number)
                        socket.emit("said", number, *([b"data"] if step == "binary" else []))

            await act(before)
            websocket = await second(memory, engine)
            websocket.inbox, websocket.pace = engine.inbox, engine.pace
            await act(probing)
            await websocket.send_text(b"2probe")
            await websocket._greeted.wait()
            await act(probed)
            engine._pausing = True
            await engine._ended.wait()
            await act(between, sends=False)
            await websocket.send_text(b"5")
            engine.websocket = websocket
            await act(after)
            await client.emit("echo", -1)
            asked.append(-1)
            heard: list[tuple[str, int]] = []
            while ("echo", -1) not in heard:
                received = await client.next()
                assert isinstance(received.args[0], int)
                heard.append((received.name, received.args[0]))
            assert [number for name, number in heard if name == "said"] == said
            assert [number for name, number in heard if name == "echo"] == asked
            assert transports(memory) == ["websocket"]

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_an_upgrade_that_is_not_finished_in_time_leaves_polling_as_it_was(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(upgrade_timeout_seconds=3)) as memory:
        client, engine = await polling(memory)
        for begin in (b"", b"2probe"):
            websocket = await second(memory, engine)
            started = trio.current_time()
            if begin:
                await probe(websocket, engine)
            assert await closed(websocket) == 1000
            assert trio.current_time() - started == 3
            if begin:
                resume(engine)
            assert await client.call("ask", 1) == 1
        assert transports(memory) == ["polling"]
        session = only_session(memory)
        assert session.state == "open"


@pytest.mark.parametrize("bad", [b"4message", b"2", b"3probe", b"", b"garbage"])
@pytest.mark.parametrize("probed", [False, True])
async def test_anything_but_the_next_step_fails_the_probe_and_not_the_session(
    autojump_clock: MockClock, bad: bytes, probed: bool
) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        websocket = await second(memory, engine)
        if probed:
            await probe(websocket, engine)
        await websocket.send_text(bad)
        await websocket.send_text(b"5")
        assert await closed(websocket) == 1000
        if probed:
            resume(engine)
        assert await client.call("ask", 1) == 1
        assert transports(memory) == ["polling"]


@pytest.mark.parametrize("fault", ["binary", "unmasked", "drop", "close"])
async def test_a_probe_whose_websocket_fails_leaves_polling_as_it_was(autojump_clock: MockClock, fault: str) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        websocket = await second(memory, engine)
        match fault:
            case "binary":
                await websocket.send(Outgoing(None, (b"data",)))
            case "unmasked":
                await websocket.stream.send_all(b"\x81\x012")
            case "drop":
                await websocket.drop()
            case _:
                await websocket.close()
        await trio.sleep(1)
        session = only_session(memory)
        assert session.state == "open"
        assert await client.call("ask", 1) == 1
        await engine.upgrade()
        assert await client.call("ask", 2) == 2
        assert transports(memory) == ["websocket"]


async def test_a_failed_frame_in_a_probe_is_closed_with_its_code(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(max_payload_bytes=100)) as memory:
        client, engine = await polling(memory)
        websocket = await second(memory, engine)
        await websocket.send_text(b"4" * 101)
        assert await closed(websocket) == 1009
        assert await client.call("ask", 1) == 1


async def test_a_second_websocket_while_one_is_probed_is_closed_and_disturbs_nothing(
    autojump_clock: MockClock,
) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        await second(memory, engine)
        intruder = await second(memory, engine)
        assert await closed(intruder) == 1000
        assert await client.call("ask", 1) == 1


async def test_a_second_websocket_after_the_upgrade_is_closed_and_disturbs_nothing(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        await engine.upgrade()
        assert await client.call("ask", 1) == 1
        assert await closed(await second(memory, engine)) == 1000
        assert await client.call("ask", 2) == 2


async def test_an_upgrade_that_is_not_allowed_is_closed(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(allow_upgrades=False)) as memory:
        client, engine = await polling(memory)
        assert await closed(await second(memory, engine)) == 1000
        assert await client.call("ask", 1) == 1


async def test_the_end_of_a_failed_probe_does_not_hold_the_polls_of_the_next_one(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        first = await second(memory, engine)
        first.pace.stall()  # it does not answer the close
        await first.send_text(b"garbage")
        await wait_all_tasks_blocked()
        await trio.sleep(4)
        websocket = await second(memory, engine)
        await probe(websocket, engine)
        await trio.sleep(2)  # the first one is gone now
        assert only_session(memory).state == "upgrading"
        resume(engine)
        engine._pausing = True
        await engine._ended.wait()
        await websocket.send_text(b"5")
        await wait_all_tasks_blocked()
        assert transports(memory) == ["websocket"]
        assert client


# ---- what other clients do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps", [[b"5"], [b"2probe", b"52"], [b"52"]], ids=[".NET 4 and Elephant.io 4", "Best HTTP", "both"]
)
async def test_a_client_may_go_over_without_a_probe_or_with_more_to_say(
    autojump_clock: MockClock, steps: list[bytes]
) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        memory.server.of("/").emit("by", "polling")
        websocket = await second(memory, engine)
        websocket.inbox = engine.inbox
        await wait_all_tasks_blocked()  # its poll waits
        engine._pausing = True
        for step in steps:
            await websocket.send_text(step)
        await engine._ended.wait()
        engine.websocket = websocket
        assert await client.call("ask", 1) == 1
        assert transports(memory) == ["websocket"]


# ---- the polls of a client that goes over ----------------------------------------------------------------------------


async def test_while_an_upgrade_is_probed_polls_end_ten_times_a_second(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        websocket = await probed_by(memory, session)
        probed_at, ends = trio.current_time(), list[float]()
        for _ in range(20):
            assert (await session.get()).body == b"6"
            ends.append(round(trio.current_time() - probed_at, 3))
        assert ends == [round(0.1 * number, 3) for number in range(1, 21)]
        await websocket.close()
        waited_from = trio.current_time()
        assert (await session.get()).body == b"2", "and wait again once it is over"
        assert trio.current_time() - waited_from > 20


async def test_a_poll_that_comes_late_waits_for_the_next_tenth(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        await probed_by(memory, session)
        started = trio.current_time()
        await trio.sleep(0.35)
        assert (await session.get()).body == b"6"
        assert round(trio.current_time() - started, 3) == 0.4


async def test_messages_do_not_wait_for_the_tenth(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        session = await quiet(memory)
        await probed_by(memory, session)
        started = trio.current_time()
        assert (await session.post(b'42["echo",1]')).body == b"ok"
        assert (await session.get()).body == b'42["echo",1]'
        assert trio.current_time() == started


# ---- what was posted before goes first -------------------------------------------------------------------------------


@pytest.mark.parametrize("leaves", [False, True])
async def test_what_was_posted_is_handled_before_what_comes_by_websocket(
    autojump_clock: MockClock, leaves: bool
) -> None:
    root, log = Router(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(0.01)
        log.append(number)

    async with serving(root, config=Config(max_pending_events=10)) as memory:
        session = await quiet(memory)
        websocket = await probed_by(memory, session)
        for start in (0, 30):
            assert (await session.post(numbers(start, start + 30))).body == b"ok"
        assert len(log) < 10
        await websocket.send_text(b"5")
        for number in range(60, 90):
            await websocket.send_text(numbers(number, number + 1))
        if leaves:
            await websocket.close()
        await trio.sleep(5)
        assert log == list(range(90))
        assert transports(memory) == ([] if leaves else ["websocket"])


@pytest.mark.parametrize("fault", ["drop", "refused frame"])
async def test_a_websocket_that_fails_while_it_waits_for_what_was_posted_ends_the_session(
    autojump_clock: MockClock, fault: str
) -> None:
    root, log = reasons()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(1)

    config = Config(max_pending_events=2, max_payload_bytes=1000, write_timeout_seconds=1, leave_grace_seconds=1)
    async with serving(root, config=config) as memory:
        session = await quiet(memory)
        websocket = await probed_by(memory, session)
        assert (await session.post(numbers(0, 6))).body == b"ok"
        await websocket.send_text(b"5")
        await wait_all_tasks_blocked()
        assert transports(memory) == ["websocket"]
        if fault == "drop":
            await websocket.drop()
            memory.server.of("/").emit("news")
            await trio.sleep(0.1)
            assert transports(memory) == []
        else:
            await websocket.send_text(b"4" * 1001)
        await trio.sleep(10)
        assert log == ["transport error" if fault == "drop" else "parse error"]


# ---- a session that ends in the middle -------------------------------------------------------------------------------


async def test_a_graceful_end_lets_the_upgrade_finish_and_arrives(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        _, engine = await polling(memory)
        websocket = await second(memory, engine)
        await probe(websocket, engine)
        memory.server.of("/").emit("bye")
        memory.server.of("/").volatile.disconnect(close=True)
        assert memory.server.statistics().connections == 0
        await websocket.send_text(b"5")
        assert [await websocket.inbox.get() for _ in range(2)] == [Message(b'2["bye"]'), Message(b"1")]
        assert await closed(websocket) == 1000
        response = await memory.request("GET", engine._target)
        assert json.loads(response.body)["code"] == 1


@pytest.mark.parametrize("sent", [[], [b"2probe"], [b"2probe", b"5"], [b"5"]])
@pytest.mark.parametrize("polls", [0, 1, 2])
async def test_last_words_arrive_once_by_whichever_way_the_client_takes(
    autojump_clock: MockClock, sent: list[bytes], polls: int
) -> None:
    async with serving(echoing()) as memory:
        session = await quiet(memory)
        websocket = await open_second(memory, session)
        memory.server.of("/").volatile.disconnect(close=True)
        heard: list[object] = [(await session.get()).body for _ in range(polls)]
        for step in sent:
            await websocket.send_text(step)
        await wait_all_tasks_blocked()
        if b"5" in sent:
            assert trio.current_time() < 1
            if not polls:
                heard.append(b"4" + (await websocket.inbox.get()).data)
                polls = 1
        else:
            heard += [(await session.get()).body for _ in range(2 - polls)]
            polls = 2
        assert heard == [b"41", b"1"][:polls]
        assert await closed(websocket) == 1000
        assert trio.current_time() <= 10
        assert (await session.get()).status == 400


async def test_an_end_that_is_not_graceful_closes_the_probe_at_once(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        session = await quiet(memory)
        websocket = await probed_by(memory, session)
        assert (await session.post(b"garbage")).status == 400
        assert await closed(websocket) == 1000
        assert trio.current_time() < 1


async def test_a_poll_that_is_broken_off_in_the_middle_ends_session_and_upgrade(autojump_clock: MockClock) -> None:
    root, log = reasons()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(1)

    async with serving(root, config=Config(max_pending_events=2)) as memory:
        session = await quiet(memory)
        websocket = await open_second(memory, session)
        assert (await session.post(numbers(0, 6))).body == b"ok"
        stream = memory.open()
        await stream.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        await websocket.send_text(b"5")
        assert await closed(websocket) == 1000
        assert log == []
        await trio.sleep(10)
        assert log == ["transport error"]
        assert memory.server.statistics().connections == 0


@pytest.mark.parametrize("meanwhile", ["nothing", "another probe", "an upgrade"])
async def test_a_probe_that_is_over_does_nothing_more_whatever_its_client_still_says(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, meanwhile: str
) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        session = only_session(memory)
        target = f"&sid={engine.handshake['sid']} HTTP".encode()
        websocket = Raw(memory.open())
        await websocket.send(HANDSHAKE.replace(b" HTTP", target, 1), frame(TEXT, b"garbage"))
        await wait_all_tasks_blocked()  # it is being closed, but the client does not look
        if meanwhile == "another probe":
            await probe(await second(memory, engine), engine)
        elif meanwhile == "an upgrade":
            await engine.upgrade()
        await websocket.send(frame(TEXT, b"2probe"), frame(TEXT, b"5"))
        await wait_all_tasks_blocked()
        assert session.transport.name == ("websocket" if meanwhile == "an upgrade" else "polling")
        assert (session.state == "upgrading") == (meanwhile == "another probe")
        assert logged(caplog) == []
        assert client


async def test_what_comes_in_one_piece_with_the_last_step_is_the_sessions(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client, engine = await polling(memory)
        target = f"&sid={engine.handshake['sid']} HTTP".encode()
        websocket = Raw(memory.open())
        await websocket.send(HANDSHAKE.replace(b" HTTP", target, 1), frame(TEXT, b"2probe"))
        await websocket.head()
        assert await websocket.next() == (TEXT, b"3probe")
        await websocket.send(frame(TEXT, b"5"), frame(TEXT, b'421["ask",1]'), frame(TEXT, b'422["ask",2]'))
        assert [await websocket.next(), await websocket.next()] == [(TEXT, b"431[1]"), (TEXT, b"432[2]")]
        assert client
