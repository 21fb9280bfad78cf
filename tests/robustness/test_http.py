"""Requests that are none, that never end, or that come twice; and the advisories about them."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config
from slysock.engineio.posts import MAX_POSTS
from tests.robustness.scene import POLLING, QUIET, WEBSOCKET, Poller, scene
from tests.robustness.wire import Answer, EndOfStream, WebSocketPeer, payload_of, read_answer, receive, request_bytes

BAD_REQUEST = b'{"code":3,"message":"Bad request"}'
UNKNOWN_SESSION = b'{"code":1,"message":"Session ID unknown"}'
SMALL = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, max_payload_bytes=10_000)


def refusal(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body


async def assert_gone(poller: Poller) -> None:
    """A poll and a POST of the session both find nothing."""
    assert refusal(await poller.poll()) == (400, UNKNOWN_SESSION)
    assert refusal(await poller.post('42["note"]')) == (400, UNKNOWN_SESSION)


# ---- heads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beginning", [b"G", b"GET /socket.io/?EIO=4", b"GET / HTTP/1.1\r\nHost: test\r\nX-"])
async def test_half_a_request_is_answered_408_when_its_time_is_over(
    beginning: bytes, autojump_clock: MockClock
) -> None:
    async with scene() as stage:
        stream = await stage.stream()
        await stream.send_all(beginning)
        await stage.undisturbed()
        started = trio.current_time()
        answer = await read_answer(stream)
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert trio.current_time() - started == pytest.approx(QUIET.request_head_seconds)
        assert await receive(stream) == b""


async def test_a_request_line_byte_by_byte_gets_no_more_time_than_one_in_a_piece(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        stream = await stage.stream()
        started = trio.current_time()

        async def drip() -> None:
            for byte in b"GET / HTTP/1.1\r\n" * 3:
                await stream.send_all(bytes([byte]))
                await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip)
            answer = await read_answer(stream)
            nursery.cancel_scope.cancel()
        assert answer.status == 408
        assert trio.current_time() - started == pytest.approx(QUIET.request_head_seconds)


@pytest.mark.parametrize("piece", [b"X-Header: value\r\n", b"x", b" folded\r\n"])
async def test_headers_without_end_are_answered_431_and_not_kept(piece: bytes, autojump_clock: MockClock) -> None:
    async with scene(costs=2_000_000) as stage:
        stream = await stage.stream()
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: test\r\nX-First: 1\r\n")
        for _ in range(100):
            await stream.send_all(piece * 1000)
        await stage.undisturbed()
        answer = await read_answer(stream)
        assert (answer.status, answer.headers["connection"]) == (431, "close")


# ---- bodies ---------------------------------------------------------------------------------------------------------


async def test_a_body_longer_than_allowed_is_413_without_being_read_and_ends_the_session(
    autojump_clock: MockClock,
) -> None:
    async with scene(costs=1_000_000) as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(
            b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 1073741824\r\n\r\n4" % poller.target.encode()
        )
        assert refusal(await read_answer(stream)) == (413, b"")
        await stage.undisturbed()
        await assert_gone(poller)
        assert stage.reasons == ["transport error"]


async def test_chunks_without_end_are_413_at_the_limit(autojump_clock: MockClock) -> None:
    async with scene(costs=6_000_000) as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(
            b"POST %s HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" % poller.target.encode()
        )
        for _ in range(17):
            await stream.send_all(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await wait_all_tasks_blocked()
        assert refusal(await read_answer(stream)) == (413, b"")
        await stage.undisturbed()
        await assert_gone(poller)


async def test_what_follows_a_declared_body_is_the_next_request_and_no_part_of_it(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        body = payload_of('42["note",1]')
        await stream.send_all(request_bytes("POST", poller.target, body=body) + b'\x1e42["note",2]\r\n\r\n')
        assert refusal(await read_answer(stream)) == (200, b"ok")
        answer = await read_answer(stream)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert stage.handled == [(1,)]
        await stage.undisturbed()
        assert (await poller.post("1")).body == b"ok"


async def test_a_body_shorter_than_declared_is_408_and_ends_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(
            b'POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n42["note"]' % poller.target.encode()
        )
        await stage.undisturbed()
        answer = await read_answer(stream)
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        await assert_gone(poller)
        assert stage.handled == []


async def test_a_body_that_drips_is_408_when_its_time_is_over_and_ends_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n" % poller.target.encode())
        started = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for _ in range(99):
                    await stream.send_all(b"4")
                    await trio.sleep(QUIET.request_stall_seconds - 1)

            nursery.start_soon(drip)
            await stage.undisturbed()
            answer = await read_answer(stream)
            nursery.cancel_scope.cancel()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert trio.current_time() - started == pytest.approx(QUIET.request_body_seconds, abs=1)
        await assert_gone(poller)
        assert stage.handled == []


async def test_a_body_cut_off_by_the_end_of_the_connection_ends_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(
            b'POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n42["note"]' % poller.target.encode()
        )
        await stream.aclose()
        await stage.wait_alone()
        assert (stage.handled, stage.reasons) == ([], ["transport error"])


async def test_a_second_content_length_is_refused(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(
            b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12"
            % poller.target.encode()
        )
        assert (await read_answer(stream)).status == 400
        await stage.undisturbed()
        assert (await poller.post("1")).body == b"ok"


@pytest.mark.parametrize(
    "body",
    [b"", b"\x1e", b"abc", b"4\xff", b"b***", b"b=", b"99", b"4ok\x1e\x1e4", b"2probe", b"\x00", b"\x1e" * 5000],
)
async def test_a_malformed_payload_is_400_and_ends_the_session(body: bytes, autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert refusal(await poller.post_body(body)) == (400, BAD_REQUEST)
        await stage.undisturbed()
        await assert_gone(poller)
        assert (stage.handled, stage.reasons) == ([], ["parse error"])


async def test_packets_before_a_malformed_one_count_and_those_behind_it_do_not(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert refusal(await poller.post('42["note",1]', "x", '42["note",2]')) == (400, BAD_REQUEST)
        assert stage.handled == [(1,)]
        await assert_gone(poller)


# ---- a payload of thousands of packets ------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["note", "later"])
async def test_a_payload_of_thousands_of_packets_is_handled_whole_and_in_order(
    event: str, autojump_clock: MockClock
) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        packets = [f'42["{event}",{number}]' for number in range(5000)]
        assert (await poller.post(*packets)).body == b"ok"
        await wait_all_tasks_blocked()
        assert stage.handled == [(number,) for number in range(5000)]
        await stage.undisturbed()
        assert (await poller.post("1")).body == b"ok"


async def test_others_are_served_while_a_payload_of_thousands_of_packets_is_handled(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        turns: list[int] = []

        async def look() -> None:
            while True:
                turns.append(len(stage.handled))
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            assert (await poller.post(*['42["note"]'] * 20_000)).body == b"ok"
            nursery.cancel_scope.cancel()
        assert len(stage.handled) == 20_000
        assert max(after - before for before, after in pairwise(turns)) <= 2048
        assert (await poller.post("1")).body == b"ok"


# ---- what may not happen twice --------------------------------------------------------------------------------------


async def test_two_parallel_polls_end_the_session(autojump_clock: MockClock) -> None:
    """The first gets a close packet, the second 400."""
    async with scene() as stage:
        poller = await stage.poller()
        answers: list[Answer] = []

        async def poll() -> None:
            answers.append(await poller.poll())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            await stage.undisturbed()
            assert refusal(await poller.poll()) == (400, BAD_REQUEST)
        assert [refusal(answer) for answer in answers] == [(200, b"1")]
        await assert_gone(poller)
        assert stage.reasons == ["transport error"]


async def test_a_post_behind_one_that_never_ends_is_not_handled(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        head = b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4" % poller.target.encode()
        await stream.send_all(head)
        await wait_all_tasks_blocked()
        assert refusal(await poller.post('42["note"]')) == (400, UNKNOWN_SESSION)
        await stage.undisturbed()
        await assert_gone(poller)
        assert (stage.handled, stage.reasons) == ([], ["transport error"])


async def test_more_parallel_posts_than_any_client_sends_end_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage, trio.open_nursery() as nursery:
        poller = await stage.poller()
        stream = await stage.stream()
        head = b"POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4" % poller.target.encode()
        await stream.send_all(head)
        await wait_all_tasks_blocked()
        for _ in range(MAX_POSTS - 1):
            nursery.start_soon(poller.post, '42["note"]')
        await wait_all_tasks_blocked()
        assert refusal(await poller.post('42["note"]')) == (400, BAD_REQUEST)
        await stage.undisturbed()
        await assert_gone(poller)
        assert (stage.handled, stage.reasons) == ([], ["transport error"])


async def test_a_poll_given_up_ends_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        stream = await stage.stream()
        await stream.send_all(request_bytes("GET", poller.target))
        await wait_all_tasks_blocked()
        await stream.aclose()
        await stage.wait_alone()
        await assert_gone(poller)
        assert stage.reasons == ["transport error"]


async def test_a_second_websocket_of_a_session_is_accepted_and_closed_and_the_first_goes_on(
    autojump_clock: MockClock,
) -> None:
    async with scene() as stage:
        first = await stage.peer()
        second = WebSocketPeer(await stage.stream())
        assert await second.open(f"{WEBSOCKET}&sid={first.handshake['sid']}") == 101
        assert (await second.ending()).code == 1000
        await stage.undisturbed()
        await first.send('425["echo","still here"]')
        assert await first.receive() == '435["still here"]'
        await first.drop()


async def test_a_poll_or_post_of_a_session_by_websocket_is_400_and_the_session_goes_on(
    autojump_clock: MockClock,
) -> None:
    async with scene() as stage:
        first = await stage.peer()
        target = f"{POLLING}&sid={first.handshake['sid']}"
        assert refusal(await stage.ask("GET", target)) == (400, BAD_REQUEST)
        assert refusal(await stage.ask("POST", target, body=b'42["note"]')) == (400, BAD_REQUEST)
        await stage.undisturbed()
        assert stage.handled == []
        await first.send('425["echo","still here"]')
        assert await first.receive() == '435["still here"]'
        await first.drop()


async def test_a_second_probe_during_an_upgrade_is_closed_and_the_first_finishes(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        first, second = WebSocketPeer(await stage.stream()), WebSocketPeer(await stage.stream())
        assert await first.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await first.send("2probe")
        assert await first.receive() == "3probe"
        assert await second.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await second.send("2probe", "5", '42["note"]')
        assert (await second.ending()).code == 1000
        await first.send("5", '425["echo","upgraded"]')
        assert await first.receive() == '435["upgraded"]'
        assert stage.handled == []
        await first.drop()


@pytest.mark.parametrize("sid", ["unknown", "x" * 10_000, "%00", "../etc"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_poll_or_post_of_no_session_is_400(sid: str, method: str, autojump_clock: MockClock) -> None:
    async with scene() as stage:
        answer = await stage.ask(method, f"{POLLING}&sid={sid}", body=b"40" if method == "POST" else b"")
        assert refusal(answer) == (400, UNKNOWN_SESSION)


async def test_a_poll_or_post_of_a_closed_session_is_400(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert (await poller.post("1")).body == b"ok"
        await assert_gone(poller)
        websocket = WebSocketPeer(await stage.stream())
        assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 400
        assert stage.reasons == ["transport close"]


# ---- advisories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"\x04\x01\x02", b"\xff" * 1000, b"4\x00", b'42["note"]'])
async def test_a_binary_post_is_always_answered_cve_2026_59725(body: bytes, autojump_clock: MockClock) -> None:
    """GHSA-r635-g3xr-vw7x: engine.io before 6.6.7 never answered a POST of this type, and kept its connection.

    The type is not looked at here: what is in the body is taken or refused, and the connection is closed or free.
    """
    async with scene() as stage:
        poller = await stage.poller()
        with trio.fail_after(1):
            answer = await poller.post_body(body, headers=[("Content-Type", "application/octet-stream")])
        assert answer.status in (200, 400)
        await trio.sleep(5)
        assert stage.connections == 0
        if answer.status == 400:
            await assert_gone(poller)
        else:
            assert stage.handled == ([()] if body == b'42["note"]' else [])
            await poller.post("1")


async def test_bad_posts_by_the_thousand_leave_nothing_behind(autojump_clock: MockClock) -> None:
    async with scene(costs=2_000_000) as stage:
        stream = await stage.stream()
        for _ in range(300):
            await stream.send_all(request_bytes("POST", f"{POLLING}&sid=unknown", body=b"\xff"))
            assert refusal(await read_answer(stream)) == (400, UNKNOWN_SESSION)
        assert stage.connections == 1
        await stream.aclose()


async def test_refused_requests_start_nothing_cve_2026_48802(autojump_clock: MockClock) -> None:
    """python-engineio before 4.13.2 allocated a thread for requests that came to nothing."""
    async with scene(costs=2_000_000) as stage:
        stream = await stage.stream()
        await stream.send_all(request_bytes("GET", f"{POLLING}&sid=unknown"))
        await read_answer(stream)
        before = trio.lowlevel.current_statistics().tasks_living
        for method, target in [
            ("POST", POLLING),
            ("GET", "/socket.io/?EIO=3&transport=polling"),
            ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon"),
            ("GET", WEBSOCKET),
            ("DELETE", POLLING),
        ] * 50:
            await stream.send_all(request_bytes(method, target))
            assert (await read_answer(stream)).status == 400
        assert trio.lowlevel.current_statistics().tasks_living == before
        await stream.aclose()


async def test_polling_sessions_are_bounded_though_they_need_no_connection_cve_2026_48802(
    autojump_clock: MockClock,
) -> None:
    """The limit is that of connections; a session that nobody joins with is given up after the connect deadline."""
    config = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, max_connections=20)
    async with scene(config=config) as stage:
        stream = await stage.stream()
        statuses = []
        for _ in range(60):
            await stream.send_all(request_bytes("GET", POLLING))
            statuses.append((await read_answer(stream)).status)
        assert statuses == [200] * 19 + [503] * 41
        await stage.undisturbed()
        await trio.sleep(config.connect_timeout_seconds + 1)
        assert stage.sessions == 1
        again = await stage.stream()
        await again.send_all(request_bytes("GET", POLLING))
        assert (await read_answer(again)).status == 200
        await trio.sleep(config.connect_timeout_seconds + 1)


async def test_a_connection_that_says_nothing_is_closed(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        stream = await stage.stream()
        started = trio.current_time()
        with pytest.raises(EndOfStream):
            await read_answer(stream)
        assert trio.current_time() - started == pytest.approx(QUIET.request_head_seconds)
