"""What a client posts: in which order it is taken, when it is answered, and when it is held."""

import json

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.engineio.posts import MAX_POSTS, UPGRADE_FACTOR, Posts
from slysock.testing import Memory, Response
from tests.slysock.engineio.polls import Quiet, quiet, reasons
from tests.slysock.serving import logged, only_session, serving


def numbers(start: int, stop: int) -> bytes:
    """A body of numbered events."""
    return b"\x1e".join(b'42["n",%d]' % number for number in range(start, stop))


class Counter:
    """Handlers that wait until they are told to go on, and what they have seen."""

    def __init__(self) -> None:
        self.root, self.reasons = reasons()
        self.seen: list[int] = []
        self._steps = trio.Semaphore(0)
        self.root.on("n")(self._count)

    async def _count(self, socket: Socket, number: int) -> None:
        self.seen.append(number)
        await self._steps.acquire()

    async def go_on(self, events: int = 100_000) -> None:
        """Let so many handlers end, and wait for what comes of it."""
        for _ in range(events):
            self._steps.release()
        await wait_all_tasks_blocked()


class Post:
    """A POST that may be held."""

    def __init__(self, nursery: trio.Nursery, session: Quiet, body: bytes) -> None:
        self.answer: Response | None = None
        nursery.start_soon(self._run, session, body)

    async def _run(self, session: Quiet, body: bytes) -> None:
        self.answer = await session.post(body)

    @property
    def text(self) -> str:
        """What it was answered."""
        return "held" if self.answer is None else self.answer.body.decode()


def begin_post(session: Quiet, length: int = 5) -> bytes:
    return f"POST {session.target} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n".encode()


async def probe(memory: Memory, session: Quiet) -> None:
    websocket = memory.open()
    target = session.target.replace("=polling", "=websocket")
    upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13"
    key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="
    await websocket.send_all(f"GET {target} HTTP/1.1\r\nhost: a\r\n{upgrade}\r\n{key}\r\n\r\n".encode())
    assert b" 101 " in await websocket.receive_some()
    assert only_session(memory).state == "upgrading"


# ---- their order -----------------------------------------------------------------------------------------------------


async def test_turns_are_in_the_order_of_arrival_whatever_the_order_of_tasks() -> None:
    for order in ([1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]):
        posts, served = Posts(trio.Lock()), list[int]()
        async with posts.turn(0, 0):  # the one that joins a namespace
            pass

        async def post(came: int, posts: Posts = posts, served: list[int] = served) -> None:
            async with posts.turn(came, came):
                served.append(came)
                await trio.lowlevel.checkpoint()
                served.append(came)

        async with trio.open_nursery() as nursery:
            for came in order:
                nursery.start_soon(post, came)
        assert served == [1, 1, 2, 2, 3, 3, 4, 4]
        assert posts.idle


async def test_one_that_has_begun_goes_on_whoever_came_before(nursery: trio.Nursery) -> None:
    posts, served = Posts(trio.Lock()), list[str]()
    async with posts.turn(2, 1):

        async def earlier() -> None:
            async with posts.turn(1, 2):
                served.append("earlier")

        nursery.start_soon(earlier)
        await wait_all_tasks_blocked()
        served.append("begun")
    await wait_all_tasks_blocked()
    assert served == ["begun", "earlier"]


async def test_one_that_is_cancelled_while_it_waits_lets_the_others_pass(nursery: trio.Nursery) -> None:
    posts, served = Posts(trio.Lock()), list[int]()
    async with posts.turn(1, 2):
        scopes = [trio.CancelScope() for _ in range(3)]

        async def wait(number: int) -> None:
            with scopes[number]:
                async with posts.turn(10 + number, number):
                    served.append(number)

        for number in range(3):
            nursery.start_soon(wait, number)
        await wait_all_tasks_blocked()
        scopes[0].cancel()
        await wait_all_tasks_blocked()
        assert served == []
    await wait_all_tasks_blocked()
    assert served == [1, 2]
    assert posts.idle


async def test_posts_at_once_are_taken_one_after_the_other(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[int]()

    @root.on("n")
    def count(socket: Socket, number: int) -> None:
        seen.append(number)

    async with serving(root) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        first = memory.open()
        body = numbers(0, 5)
        await first.send_all(begin_post(session, len(body)) + body[:1])
        await wait_all_tasks_blocked()
        others = []
        for number in range(1, MAX_POSTS):
            others.append(Post(nursery, session, numbers(5 * number, 5 * number + 5)))
            await wait_all_tasks_blocked()
        assert seen == []
        await first.send_all(body[1:])
        assert (await first.receive_some()).endswith(b"ok")
        await wait_all_tasks_blocked()
        assert {post.text for post in others} == {"ok"}
        assert seen == list(range(5 * MAX_POSTS))


async def test_too_many_posts_at_once_close_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(begin_post(session))
        await wait_all_tasks_blocked()
        others = [Post(nursery, session, b"3") for _ in range(MAX_POSTS - 1)]
        await wait_all_tasks_blocked()
        assert log == []
        assert json.loads((await session.post(b"3")).body)["code"] == 3
        assert log == ["transport error"]
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        assert {json.loads(post.text)["code"] for post in others} == {1}


# ---- when they are answered ------------------------------------------------------------------------------------------


async def test_a_post_is_answered_at_once_and_the_next_one_when_it_has_been_taken(autojump_clock: MockClock) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=10)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        first = Post(nursery, session, numbers(0, 50))
        await wait_all_tasks_blocked()
        assert first.text == "ok"
        assert memory.server.statistics().waiting_events == 10
        second = Post(nursery, session, numbers(50, 52))
        await counter.go_on(40)
        assert second.text == "held"
        await counter.go_on(1)
        assert second.text == "ok"
        await counter.go_on()
        assert counter.seen == list(range(52))


@pytest.mark.parametrize(("events", "held"), [(9, False), (10, True)])
async def test_a_post_is_held_from_a_backlog_on(autojump_clock: MockClock, events: int, held: bool) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=10)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        assert (await session.post(numbers(0, events))).body == b"ok"
        following = Post(nursery, session, b"3")
        await wait_all_tasks_blocked()
        assert (following.text == "held") is held
        await counter.go_on()
        assert following.text == "ok"


async def test_a_backlog_that_no_post_has_made_holds_the_next_one_too(autojump_clock: MockClock) -> None:
    """While an answer is awaited more is let in."""
    counter = Counter()

    async with serving(counter.root, config=Config(max_pending_events=2)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        (socket,) = memory.server.of("/").sockets()
        with trio.CancelScope() as asking:
            async with trio.open_nursery() as calls:
                calls.start_soon(socket.call, "question")
                await wait_all_tasks_blocked()
                assert (await session.post(numbers(0, 5))).body == b"ok"
                asking.cancel()
        post = Post(nursery, session, numbers(5, 6))
        await wait_all_tasks_blocked()
        assert post.text == "held"
        await counter.go_on()
        assert post.text == "ok"
        assert counter.seen == list(range(6))


@pytest.mark.parametrize("bad", [b"\x1e9", b"\x1e4\xff", b"\x1eb!"])
async def test_a_malformed_packet_behind_a_backlog_is_told_at_once(autojump_clock: MockClock, bad: bytes) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory:
        session = await quiet(memory)
        response = await session.post(numbers(0, 5000) + bad)
        assert (response.status, json.loads(response.body)["code"]) == (400, 3)
        assert counter.reasons == ["parse error"]


@pytest.mark.parametrize("closing", [b"1", b"41"])
async def test_a_goodbye_waits_for_what_came_before(autojump_clock: MockClock, closing: bytes) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        goodbye = Post(nursery, session, closing)
        await wait_all_tasks_blocked()
        assert counter.reasons == []
        await counter.go_on()
        assert goodbye.text == "ok"
        assert counter.seen == list(range(20))
        assert len(counter.reasons) == 1


@pytest.mark.parametrize("broken", ["poll", "post"])
async def test_a_request_that_is_broken_off_ends_the_session_behind_what_was_posted(
    autojump_clock: MockClock, broken: str
) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        stream = memory.open()
        head = begin_post(session) if broken == "post" else f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode()
        await stream.send_all(head)
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        assert counter.reasons == []
        if broken == "poll":
            for response in (await session.get(), await session.post(b"3")):
                assert json.loads(response.body)["code"] == 1
        await counter.go_on()
        assert counter.seen == list(range(20))
        assert counter.reasons == ["transport error"]


async def test_pings_have_time_while_the_answers_are_behind_a_backlog(autojump_clock: MockClock) -> None:
    counter = Counter()
    config = Config(max_pending_events=2, ping_interval_seconds=1, ping_timeout_seconds=1)
    async with serving(counter.root, config=config) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        assert (await session.get()).body == b"2"
        Post(nursery, session, b"3")
        await trio.sleep(10)
        await counter.go_on()
        assert counter.seen == list(range(20))
        assert counter.reasons == []


async def test_a_session_that_the_server_closes_forgets_what_waits(autojump_clock: MockClock) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        held = Post(nursery, session, b"3")
        await wait_all_tasks_blocked()
        memory.server.of("/").volatile.disconnect(close=True)
        await wait_all_tasks_blocked()
        assert held.text == "ok", "it has last words to wait for"
        assert counter.seen == [0]


async def test_a_stop_takes_leave_of_clients_whose_posts_wait(autojump_clock: MockClock) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
    assert counter.seen == [0]


async def test_what_fails_behind_an_answer_ends_its_session_alone(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=2)) as memory:
        session, other = await quiet(memory), await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        await counter.go_on(1)

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr("slysock.engineio.session.Session.receive_packet", fail)
            await counter.go_on(2)
        assert counter.reasons == ["transport error"]
        assert "posted failed" in logged(caplog)[0]
        assert (await other.post(b"3")).body == b"ok"


# ---- while an upgrade is under way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [9, 10], ids=["below", "at the bound"])
async def test_during_an_upgrade_nothing_is_held_up_to_four_backlogs(autojump_clock: MockClock, last: int) -> None:
    """A client that waits for an answer to its POST does not finish its upgrade."""
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=10)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        await probe(memory, session)
        for start in range(0, 10 * UPGRADE_FACTOR - 10, 10):
            assert (await session.post(numbers(start, start + 10))).body == b"ok"
        assert (await session.post(numbers(10 * UPGRADE_FACTOR - 10, 10 * UPGRADE_FACTOR - 10 + last))).body == b"ok"
        following = Post(nursery, session, numbers(100, 101))
        await wait_all_tasks_blocked()
        assert following.text == ("ok" if last < 10 else "held")
        await counter.go_on()
        assert following.text == "ok"
        assert counter.seen == [*range(10 * UPGRADE_FACTOR - 10 + last), 100]


@pytest.mark.parametrize("size", [250, 1000])
async def test_during_an_upgrade_bytes_are_bounded_too(autojump_clock: MockClock, size: int) -> None:
    root, log = reasons()

    @root.on("s")
    async def text(socket: Socket, text: str) -> None:
        await trio.sleep_forever()

    async with serving(root, config=Config(max_payload_bytes=1000)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        await probe(memory, session)
        body = b'42["s","%s"]' % (b"x" * (size - 10))
        taken = -len(body)
        answer = "ok"
        while answer == "ok":
            post = Post(nursery, session, body)
            await wait_all_tasks_blocked()
            answer = post.text
            taken += len(body)
        assert answer == "held"
        assert abs(taken - UPGRADE_FACTOR * 1000) <= size
        assert log == []
        only_session(memory).close("forced server close")


async def test_an_upgrade_that_begins_frees_a_post_that_is_held(autojump_clock: MockClock) -> None:
    counter = Counter()
    async with serving(counter.root, config=Config(max_pending_events=10)) as memory, trio.open_nursery() as nursery:
        session = await quiet(memory)
        assert (await session.post(numbers(0, 20))).body == b"ok"
        held = Post(nursery, session, numbers(20, 25))
        await wait_all_tasks_blocked()
        assert held.text == "held"
        await probe(memory, session)
        await wait_all_tasks_blocked()
        assert held.text == "ok"
        await counter.go_on()
        assert counter.seen == list(range(25))
