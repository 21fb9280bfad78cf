"""Sessions by polling: what each GET and POST is answered, and what it does to its session."""

import gc
import json

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Server, Socket
from slysock.engineio.compression import Compression
from slysock.engineio.gate import Gate
from slysock.engineio.hooks import EngineHooks
from slysock.engineio.long_polling import LongPolling
from slysock.engineio.polling import PollingTransport
from slysock.engineio.receiver import NOBODY
from slysock.engineio.responses import Responses
from slysock.engineio.session import Session
from slysock.engineio.sessions import Sessions
from slysock.engineio.timers import Timers
from slysock.http.addresses import AddressGroups
from slysock.http.proxies import TrustedProxies
from slysock.socketio.connection import Connection
from slysock.socketio.member import Member
from slysock.testing import Memory, Response, serve_memory
from slysock.testing.pipe import open_pipe
from tests.slysock.engineio.above import OPENING
from tests.slysock.engineio.frames import TEXT, frame, probing
from tests.slysock.engineio.outboxes import consumers
from tests.slysock.engineio.polls import OPEN, Quiet, quiet, reasons
from tests.slysock.http.peer import arrived
from tests.slysock.serving import serving, sessions_of


async def test_sessions_are_bounded_however_few_connections_they_take(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_connections=3)) as memory:
        statuses = [(await memory.request("GET", OPEN)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 503, 503]


# ---- polls -----------------------------------------------------------------------------------------------------------


async def test_two_polls_at_once_close_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        bodies: list[bytes] = []
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                bodies.append((await session.get()).body)

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            nursery.start_soon(poll)
        assert sorted(bodies) == [b"1", b'{"code":3,"message":"Bad request"}']
        assert log == ["transport error"]
        assert json.loads((await session.get()).body)["code"] == 1


async def test_a_client_that_gives_its_poll_up_is_gone(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await trio.sleep(1)
        assert log == ["transport error"]


async def test_a_poll_whose_answer_cannot_be_delivered_ends_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(write_timeout_seconds=3)) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        memory.server.of("/").emit("news")
        await trio.sleep(4)
        assert log == ["transport error"]


async def test_a_client_that_does_not_poll_is_a_slow_consumer_in_the_end(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(max_outbox_bytes=1000, max_outbox_hard_bytes=1000)) as memory:
        await quiet(memory)
        for _ in range(5):
            memory.server.of("/").emit("news", "x" * 300)
        assert log == [], "not in the middle of a broadcast"
        await wait_all_tasks_blocked()
        await trio.sleep(0.01)
        assert log == ["slow consumer"]


async def test_a_poll_while_another_transport_is_tried_ends_at_once(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        websocket = await probing(memory, session.target)
        await websocket.send(frame(TEXT, b"2probe"))
        await websocket.next()
        assert (await session.get()).body == b"6"
        await websocket.send(frame(TEXT, b"5"))
        await wait_all_tasks_blocked()
        for late in (await session.get(), await session.post(b"3")):
            assert (late.status, json.loads(late.body)["code"]) == (400, 3), "it has gone over to WebSocket"


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_session_whose_time_has_run_out_is_ended_by_the_request_that_finds_it_so(
    nursery: trio.Nursery, autojump_clock: MockClock, method: bytes
) -> None:
    config, timers = Config(), Timers()  # which nobody keeps: as if their turn had not come yet
    sessions = Sessions(config, timers, lambda _: NOBODY, lambda: 0, AddressGroups(TrustedProxies()))
    transport = PollingTransport(consumers=consumers(1000), on_full=lambda: None, turn=trio.Lock())
    session = sessions.open(OPENING, transport)
    nursery.start_soon(timers.run)
    session._timer.cancel()  # as if its turn had not come yet
    await trio.sleep(config.ping_interval_seconds + config.ping_timeout_seconds)
    client, _, request = await arrived(method + b" / HTTP/1.1\r\nhost: a\r\n\r\n")
    gate = Gate(EngineHooks(), lambda *_: None, 10, lambda *_: None)
    responses = Responses(config, gate, Compression(config, timers))
    polling = LongPolling(config, sessions, timers, consumers(1000), responses, trio.Lock())
    await polling.handle(request, session.id)
    assert session.closed
    assert b'{"code":1,"message":"Session ID unknown"}' in await client.receive_some(1000)


async def test_a_poll_that_is_cancelled_while_it_is_answered_ends_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        ours, theirs = open_pipe()
        nursery.start_soon(memory.server.serve_stream, theirs)
        await ours.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        memory.server.of("/").emit("news")  # the answer waits for a client that does not read
        await wait_all_tasks_blocked()
        assert log == []
        nursery.cancel_scope.cancel()
    assert log == ["transport error"]


# ---- posts -----------------------------------------------------------------------------------------------------------


async def test_a_post_pipelined_behind_a_poll_is_handled_at_once(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[object]()
    root.on_any(lambda socket, event, args: seen.append(args[0]))
    async with serving(root) as memory:
        session = await quiet(memory)
        stream = memory.open()
        body = b'42["n",1]'
        poll = f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode()
        post = f"POST {session.target} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        await stream.send_all(poll + post)
        answers = b""
        while not answers.endswith(b"ok"):
            answers += await stream.receive_some()
        assert seen == [1]
        assert b"\r\n\r\n6HTTP/1.1 200 OK" in answers
        assert trio.current_time() < 1


async def test_of_two_polls_at_once_the_one_that_arrived_first_is_told_of_the_end(autojump_clock: MockClock) -> None:
    """Whichever Trio turns to first."""
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        (transport,) = [session.transport for session in sessions_of(memory)]
        assert isinstance(transport, PollingTransport)
        async with trio.open_nursery() as nursery:
            late: list[Response] = []

            async def poll() -> None:
                late.append(await session.get())

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            transport.polled_ns += 10**12
            first = await session.get()
        assert (first.status, first.body) == (200, b"1")
        assert (late[0].status, json.loads(late[0].body)["code"]) == (400, 3)
        assert log == ["transport error"]


async def test_a_body_over_the_limit_is_answered_413_and_closes(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(max_payload_bytes=100)) as memory:
        session = await quiet(memory)
        assert (await session.post(b"4" * 101)).status == 413
        assert log == ["transport error"]


@pytest.mark.parametrize("stalls", [False, True])
async def test_a_post_that_is_broken_off_closes_the_session(autojump_clock: MockClock, stalls: bool) -> None:
    root, log = reasons()
    async with serving(root, config=Config(request_body_seconds=3)) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"POST {session.target} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n4".encode())
        if stalls:
            assert b" 408 " in await stream.receive_some()
        else:
            await trio.aclose_forcefully(stream)
        await trio.sleep(1)
        assert log == ["transport error"]


@pytest.mark.parametrize("body", [b"", b"x", b"4\x1e9", b"40\x1e\xff", b"b!", b"2"])
async def test_a_body_that_breaks_the_protocol_is_a_bad_request_and_closes(
    autojump_clock: MockClock, body: bytes
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        response = await session.post(body)
        assert (response.status, json.loads(response.body)["code"]) == (400, 3)
        assert log == ["parse error"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_bad_requests_and_change_nothing(autojump_clock: MockClock, method: str) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        response = await memory.request(method, session.target)
        assert (response.status, json.loads(response.body)["code"]) == (400, 3)
        assert log == []
        assert (await session.post(b"3")).body == b"ok"


async def test_packets_of_one_post_are_handled_in_order(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[object]()
    root.on_any(lambda socket, event, args: seen.append(args[0]))
    async with serving(root) as memory:
        session = await quiet(memory)
        body = b"\x1e".join(b'42["n",%d]' % number for number in range(3000))
        assert (await session.post(body)).body == b"ok"
        assert seen == list(range(3000))


async def test_a_post_of_more_than_the_handlers_keep_up_with_loses_nothing(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(1)
        seen.append(number)

    async with serving(root, config=Config(max_pending_events=2)) as memory:
        session = await quiet(memory)
        assert (await session.post(b"\x1e".join(b'42["n",%d]' % number for number in range(10)))).body == b"ok"
        await trio.sleep(11)
        assert seen == list(range(10))


@pytest.mark.parametrize("close", [False, True])
async def test_a_post_whose_handler_sends_the_client_away_was_no_bad_request(
    autojump_clock: MockClock, close: bool
) -> None:
    root, _ = reasons()

    @root.on("leave")
    def leave(socket: Socket) -> None:
        socket.disconnect(close=close)

    async with serving(root) as memory:
        session = await quiet(memory)
        assert (await session.post(b'42["leave"]\x1e42["late"]')).body == b"ok"
        assert (await session.get()).body == b"41"
        if close:
            assert (await session.get()).body == b"1"


async def test_a_client_that_says_close_ends_its_poll(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                assert (await session.get()).body == b"6"

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            assert (await session.post(b"1")).body == b"ok"
        assert log == ["transport close"]


async def test_a_poll_that_comes_with_the_goodbye_is_answered(autojump_clock: MockClock) -> None:
    """Whichever of the two connections Trio turns to first, as it does by chance."""
    async with serve_memory(Server(Router())) as memory:
        for _ in range(30):
            opened = await memory.request("GET", "/socket.io/?EIO=4&transport=polling")
            sid = opened.body.partition(b'"sid":"')[2].partition(b'"')[0].decode()
            target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
            answers: dict[str, Response] = {}

            async def ask(
                method: str, body: bytes, target: str = target, answers: dict[str, Response] = answers
            ) -> None:
                answers[method] = await memory.request(method, target, body=body)

            async with trio.open_nursery() as asking:
                asking.start_soon(ask, "GET", b"")
                asking.start_soon(ask, "POST", b"1")
            assert (answers["GET"].status, answers["GET"].body) == (200, b"6")
            assert (answers["POST"].status, answers["POST"].body) == (200, b"ok")


# ---- a session that is over, of which its client does not know yet ---------------------------------------------------


async def over(memory: Memory) -> Quiet:
    """A session that has `41` and `1` to say to the next two polls."""
    session = await quiet(memory)
    memory.server.of("/").volatile.disconnect(close=True)
    return session


@pytest.mark.parametrize("polls", [0, 1])
async def test_a_post_to_a_session_with_last_words_is_ok_and_not_handled(
    autojump_clock: MockClock, polls: int, caplog: pytest.LogCaptureFixture
) -> None:
    root, handled = Router(), list[object]()
    root.on("event")(handled.append)
    async with serving(root) as memory:
        session = await over(memory)
        heard = [(await session.get()).body for _ in range(polls)]
        for _ in range(3):
            answer = await session.post(b'42["event"]\x1e3')
            assert (answer.status, answer.body) == (200, b"ok")
        heard += [(await session.get()).body for _ in range(2 - polls)]
        assert heard == [b"41", b"1"], "whatever it has posted"
        assert json.loads((await session.post(b"3")).body)["code"] == 1, "now it knows"
    assert handled == []


async def test_a_client_that_says_goodbye_to_a_session_with_last_words_needs_them_no_more(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router()) as memory:
        session = await over(memory)
        assert (await session.post(b"41\x1e1")).body == b"ok"
        assert memory.server.statistics().lingering == 0
        assert json.loads((await session.get()).body)["code"] == 1


@pytest.mark.parametrize(("body", "status"), [(b"4" * 1000, 200), (b"4" * 1001, 413), (b"garbage", 200), (b"41", 200)])
async def test_of_a_post_there_only_the_size_can_be_wrong(autojump_clock: MockClock, body: bytes, status: int) -> None:
    async with serving(Router(), config=Config(max_payload_bytes=1000)) as memory:
        session = await over(memory)
        assert (await session.post(body)).status == status
        assert [(await session.get()).body for _ in range(2)] == [b"41", b"1"]


async def test_other_methods_are_bad_requests_there_too(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await over(memory)
        answer = await memory.request("PUT", session.target)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, 3)
        assert [(await session.get()).body for _ in range(2)] == [b"41", b"1"]


async def test_a_post_that_is_held_while_the_server_ends_its_session_is_ok(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(5)
        socket.disconnect(close=True)

    async with serving(root, config=Config(max_pending_events=1)) as memory:
        session, answers = await quiet(memory), list[bytes]()
        assert (await session.post(b'42["slow"]')).body == b"ok"

        async def post() -> None:
            answers.append((await session.post(b'42["slow"]')).body)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(post)
            await trio.sleep(4)
            assert answers == []
        assert answers == [b"ok"]
        assert [(await session.get()).body for _ in range(2)] == [b"41", b"1"]


async def test_nothing_of_a_closed_session_waits_for_the_garbage_collector(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        gc.collect()
        gc.disable()
        try:
            for last in (b"41", b"1", b"garbage"):
                await (await quiet(memory)).post(last)
            memory.server.of("/").volatile.disconnect(close=True)
            await trio.sleep(60)
            kinds = (Session, PollingTransport, Connection, Member, Socket)
            assert [type(found) for found in gc.get_objects() if type(found) in kinds] == []
        finally:
            gc.enable()
    assert len(log) == 3


@pytest.mark.parametrize("length", [b"100", b"900000"])
async def test_what_is_posted_is_read_no_further_when_its_session_has_ended_by_an_error(
    length: bytes, autojump_clock: MockClock
) -> None:
    config = Config(connect_timeout_seconds=5, request_body_seconds=60)
    async with serving(Router(), config=config) as memory:
        session = await quiet(memory, join=False)
        started, stream = trio.current_time(), memory.open()
        head = b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: %s\r\n\r\n4" % (session.target.encode(), length)
        await stream.send_all(head)
        assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 400 ")
        assert trio.current_time() - started == pytest.approx(5)
        await trio.aclose_forcefully(stream)
