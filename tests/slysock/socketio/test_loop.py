"""What threads may do with a server: everything that needs no waiting, in order, and nobody else notices.

On the real clock: a thread cannot be waited for by MockClock, which would jump over its work.
"""

import re
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock import Disconnected, LocalProtocolError, Router, Server, Socket
from slysock.asgi import ASGIApp
from slysock.asgi.interface import Receive, Scope, Send
from slysock.ids import DisconnectReason
from slysock.socketio.loop import Loop
from slysock.testing import Memory, serve_memory
from tests.slysock.serving import logged, serving

Elsewhere: TypeAlias = Callable[[Callable[[], object]], Awaitable[None]]


async def in_trio_thread(call: Callable[[], object]) -> None:
    await trio.to_thread.run_sync(call)


async def in_plain_thread(call: Callable[[], object]) -> None:
    """Trio knows nothing of this one."""
    errors, done = list[Exception](), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def work() -> None:
        try:
            call()
        except Exception as error:
            errors.append(error)
        token.run_sync_soon(done.set)

    threading.Thread(target=work, daemon=True).start()
    await done.wait()
    for error in errors:
        raise error


async def in_another_loop(call: Callable[[], object]) -> None:
    async def main() -> None:
        call()

    await trio.to_thread.run_sync(lambda: trio.run(main))


threads = pytest.mark.parametrize("elsewhere", [in_trio_thread, in_plain_thread, in_another_loop])


class Stage:
    """A server, a client that threads do something with, and another one that must not notice."""

    def __init__(self) -> None:
        self.sockets: list[Socket] = []
        self.root = Router("/")
        self.root.on_connect(self.sockets.append)
        self.root.on("echo")(lambda socket, value: value)


async def still_served(memory: Memory) -> bool:
    """Whether clients that are there already, and new ones, get their bytes."""
    return await (await memory.connect()).call("echo", "still there") == "still there"


# ---- what is said and done ------------------------------------------------------------------------------------------


@threads
async def test_an_emit_reaches_the_client_and_all_others_go_on(elsewhere: Elsewhere) -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client, other = await memory.connect(), await memory.connect()
        (socket, _) = stage.sockets
        await elsewhere(lambda: socket.emit("from a thread", 1))
        assert await client.expect("from a thread") == (1,)
        assert await other.call("echo", "and mine") == "and mine"
        assert await still_served(memory)


@threads
async def test_what_a_thread_does_is_done_in_its_order(elsewhere: Elsewhere) -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        server = memory.server

        def work() -> None:
            for number in range(500):
                socket.join("room")
                server.of("/").to("room").emit("in the room", number)
                socket.leave("room")
                server.of("/").to("room").emit("nobody is there", number)
                socket.emit("to it", number)
            server.of("/").to(socket.id).join("late")
            server.of("/").to("late").except_("nowhere").emit("late")
            server.of("/").to("late").leave("late")

        await elsewhere(work)
        await wait_all_tasks_blocked()
        heard = [(event.name, *event.args) for event in client.waiting()]
        expected = [(name, number) for number in range(500) for name in ("in the room", "to it")]
        assert heard == [*expected, ("late",)]
        assert [str(room) for room in socket.rooms] == [socket.id]


@threads
@pytest.mark.parametrize("close", [False, True])
async def test_a_thread_may_send_clients_away(elsewhere: Elsewhere, close: bool) -> None:
    stage, log = Stage(), list[DisconnectReason]()
    stage.root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(stage.root) as memory:
        one, other = await memory.connect(), await memory.connect()
        first, second = stage.sockets

        def work() -> None:
            first.emit("before")
            first.disconnect(close)
            memory.server.of("/").to(second.id).disconnect(close=close)

        await elsewhere(work)
        for client in (one, other):
            assert await client.wait_disconnected(5) == "io server disconnect"
        assert log == ["server namespace disconnect"] * 2
        assert await still_served(memory)


@threads
async def test_work_in_the_background_may_be_started_by_a_thread(elsewhere: Elsewhere) -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets

        async def work(name: str) -> None:
            await trio.lowlevel.checkpoint()
            socket.emit(name)

        await elsewhere(lambda: socket.start_soon(work, "done"))
        assert await client.expect("done") == ()


@threads
async def test_a_thread_sees_what_it_has_done(elsewhere: Elsewhere) -> None:
    stage, seen = Stage(), list[object]()
    async with serving(stage.root, Router("/tables")) as memory:
        await memory.connect()
        (socket,) = stage.sockets

        def work() -> None:
            socket.join("room")
            seen.extend(
                [
                    sorted(socket.rooms) == sorted([socket.id, "room"]),
                    memory.server.of("/").to("room").sockets() == [socket],
                ]
            )
            seen.append(memory.server.of("/").get(socket.id) is socket)
            socket.disconnect()
            seen.extend([memory.server.of("/").sockets() == [], memory.server.statistics().clients["/"] == 0])

        await elsewhere(work)
        assert seen == [True] * 5


async def test_two_threads_that_ask_for_the_namespace_of_a_pattern_get_the_same() -> None:
    async with serving(Router(re.compile("/tables/.*"))) as memory:
        made: list[object] = [memory.server.of("/tables/1")]
        for elsewhere in (in_trio_thread, in_plain_thread):
            await elsewhere(lambda: made.append(memory.server.of("/tables/1")))
        assert made[0] is made[1] is made[2]
        made.clear()


async def test_what_was_said_is_what_was_meant_when_it_was_said() -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets

        def work() -> None:
            value = {"number": 0}
            for number in range(100):
                value["number"] = number
                socket.emit("value", value)
                memory.server.of("/").emit("value", value)

        await in_plain_thread(work)
        await wait_all_tasks_blocked()
        assert [event.args[0] for event in client.waiting()] == [{"number": n} for n in range(100) for _ in range(2)]


# ---- what goes wrong ------------------------------------------------------------------------------------------------


@threads
async def test_what_cannot_be_encoded_is_the_threads_to_hear(elsewhere: Elsewhere) -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        for emit in (socket.emit, memory.server.of("/").emit):
            with pytest.raises(LocalProtocolError):
                await elsewhere(partial(emit, "what", object()))
        assert await client.call("echo", 1) == 1
        assert client.waiting() == []


async def test_what_has_to_be_awaited_says_so_before_anything_changes() -> None:
    stage, errors = Stage(), list[str]()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        rooms = (memory.server.of("/"), memory.server.of("/").to(socket.id))

        def work() -> None:
            for routine in (socket.call("ask"), *(each.call("ask") for each in rooms), socket.drained()):
                with pytest.raises(RuntimeError, match="in the server's event loop") as caught:
                    routine.send(None)
                errors.append(str(caught.value))

        await in_plain_thread(work)
        assert len(errors) == 4
        assert memory.server.statistics().awaited_acks == 0
        assert await client.call("echo", 1) == 1
        assert client.waiting() == [], "nobody was asked"


async def test_a_thread_of_trios_may_wait_by_its_own_means() -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client, answers = await memory.connect(), list[object]()
        (socket,) = stage.sockets

        async def answer() -> None:
            await client.acknowledge(await client.next(), "yes")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            await trio.to_thread.run_sync(lambda: answers.append(trio.from_thread.run(socket.call, "ask")))
        assert answers == ["yes"]


async def test_what_is_asked_and_fails_is_the_threads_to_hear() -> None:
    loop = Loop()
    with loop.entered(), pytest.raises(ZeroDivisionError):
        await in_plain_thread(lambda: loop.ask(lambda: 1 / 0))


async def test_a_failure_in_the_loop_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    loop, ran = Loop(), trio.Event()
    with loop.entered():
        await in_plain_thread(lambda: loop.run(lambda: 1 / 0))
        await in_plain_thread(lambda: loop.run(ran.set))
        await ran.wait()
    assert logged(caplog) == ["what another thread has asked for failed"]


@threads
async def test_once_the_server_has_ended_a_thread_is_told(elsewhere: Elsewhere) -> None:
    stage = Stage()
    server = Server(stage.root)
    async with serve_memory(server) as memory:
        await memory.connect()
        (socket,) = stage.sockets
    for call in (
        lambda: socket.emit("too late"),
        lambda: socket.join("room"),
        lambda: socket.leave("room"),
        lambda: socket.disconnect(),
        lambda: server.of("/").emit("too late"),
        lambda: server.of("/").sockets(),
        lambda: server.of("/").to("room").disconnect(),
        lambda: server.of("/").to("room").join("other"),
    ):
        with pytest.raises(RuntimeError, match="the server has ended"):
            await elsewhere(call)
    server.of("/").emit("nobody hears it")  # in its own loop as ever
    socket.emit("nor this")


def test_once_trio_has_ended_everybody_is_told() -> None:
    server = Server(Router("/"))

    async def main() -> None:
        async with serve_memory(server):
            pass

    trio.run(main)
    for call in (lambda: server.of("/").emit("too late"), lambda: server.of("/").sockets()):
        with pytest.raises(RuntimeError, match="the server has ended"):
            call()


def test_a_loop_that_has_gone_without_a_word_is_over_too() -> None:
    loop = Loop()

    async def main() -> None:
        loop.entered().__enter__()

    thread = threading.Thread(target=trio.run, args=[main])
    thread.start()
    thread.join()
    for call in (lambda: loop.run(print), lambda: loop.ask(lambda: 1)):
        with pytest.raises(RuntimeError, match="the server has ended"):
            call()


async def test_before_the_start_there_is_nobody_to_disturb() -> None:
    server = Server(Router("/"))
    await in_plain_thread(lambda: server.of("/").emit("early"))
    assert server.of("/").sockets() == []
    assert await server.of("/").call("early") == []


async def test_a_server_serves_once() -> None:
    server = Server(Router("/"))
    async with server.running():
        with pytest.raises(RuntimeError, match="serves once"):
            async with server.running():
                pass
        assert server.statistics().connections == 0


# ---- who speaks faster than the loop listens ------------------------------------------------------------------------


class Talker:
    """A thread that says something again and again."""

    def __init__(self, speak: Callable[[int], object], times: int) -> None:
        self.said = 0
        self.errors = list[Exception]()
        self._speak = speak
        self._times = times
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self) -> None:
        try:
            for number in range(self._times):
                self._speak(number)
                self.said += 1
        except Exception as error:
            self.errors.append(error)

    def has_ended(self) -> bool:
        """Whether it has said all, in a time in which it could have; the caller's loop stands still meanwhile."""
        self.thread.join(0.3)
        return not self.thread.is_alive()


@pytest.mark.parametrize("times", [100, 101, 1000])
async def test_a_thread_that_says_too_much_is_held_up_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_CALLS", 100)
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        talker = Talker(lambda number: socket.emit("number", number), times)
        assert talker.has_ended() is (times == 100)
        assert talker.said == 100, "and nothing of it is lost"
        await trio.to_thread.run_sync(talker.thread.join)
        await wait_all_tasks_blocked()
        assert [event.args for event in client.waiting()] == [(number,) for number in range(times)]
        assert talker.errors == []


@pytest.mark.parametrize(("size", "said"), [(30, 3), (33, 3), (34, 2), (200, 1)])
async def test_bytes_count_too_and_one_that_is_larger_than_all_may_wait_alone(
    monkeypatch: pytest.MonkeyPatch, size: int, said: int
) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_BYTES", 100)
    loop, heard = Loop(), list[int]()
    with loop.entered():
        talker = Talker(lambda number: loop.run(heard.append, number, size=size), 4)
        assert not talker.has_ended()
        assert talker.said == said
        await trio.to_thread.run_sync(talker.thread.join)
        await wait_all_tasks_blocked()
        assert heard == [0, 1, 2, 3]


async def test_events_are_counted_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_BYTES", 2500)
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        for speak in (socket.emit, memory.server.of("/").emit):
            talker = Talker(partial(speak, "x" * 1000), 3)
            assert not talker.has_ended()
            assert talker.said == 2
            await trio.to_thread.run_sync(talker.thread.join)
            await wait_all_tasks_blocked()
            assert len(client.waiting()) == 3


async def test_a_thread_with_a_loop_of_its_own_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_CALLS", 2)
    loop, heard = Loop(), list[int]()
    with loop.entered():

        async def main() -> None:
            for number in range(3):
                loop.run(heard.append, number)

        async def run() -> None:
            with pytest.raises(RuntimeError, match="too much waits for the server's event loop: 2 calls"):
                await main()

        thread = threading.Thread(target=trio.run, args=[run])
        thread.start()
        thread.join()  # this loop does not turn meanwhile
        await wait_all_tasks_blocked()
        assert heard == [0, 1]


async def test_a_thread_that_the_loop_itself_waits_for_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_CALLS", 2)
    monkeypatch.setattr("slysock.socketio.loop.MAX_HELD_SECONDS", 0.1)
    loop = Loop()
    with loop.entered():
        talker = Talker(lambda number: loop.run(print, number), 3)
        talker.thread.join()
        assert [str(error) for error in talker.errors] == ["too much waits for the server's event loop: 2 calls"]


async def test_a_thread_that_is_held_up_learns_of_the_end_and_may_stop_a_server_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slysock.socketio.loop.MAX_CALLS", 1)
    loop, stopped = Loop(), list[str]()
    with loop.entered():
        talker = Talker(lambda number: loop.run(print, number), 2)
        assert not talker.has_ended()
        threading.Thread(target=lambda: loop.run_first(lambda: stopped.append("stopped"))).start()
    talker.thread.join()
    assert [str(error) for error in talker.errors] == ["the server has ended"]
    await wait_all_tasks_blocked()
    assert stopped == ["stopped"]


# ---- as programs do it ----------------------------------------------------------------------------------------------


async def test_an_endpoint_in_a_thread_of_an_asgi_application_speaks_to_clients() -> None:
    """As Starlette and FastAPI run every endpoint that is a plain `def`."""
    stage = Stage()
    server: Server

    def endpoint(name: str) -> None:
        server.of("/").emit("news", name)
        for socket in server.of("/").sockets():
            socket.join("readers")
        server.of("/").to("readers").emit("read", name)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await trio.to_thread.run_sync(endpoint, str(scope["path"]))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    application: ASGIApp = app
    async with serving(stage.root, app=application) as memory:
        server = memory.server
        clients = [await memory.connect(), await memory.connect(transport="polling")]
        for _ in range(3):
            assert (await memory.request("GET", "/endpoint")).status == 204
        for client in clients:
            for _ in range(3):
                assert await client.expect("news") == ("/endpoint",)
                assert await client.expect("read") == ("/endpoint",)


async def test_a_thread_may_stop_the_server() -> None:
    server, listening = Server(Router("/")), trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, "127.0.0.1", 0)
        listening.set()
        await in_plain_thread(server.stop)
    assert listening.is_set()


async def test_a_client_that_has_left_is_no_error_for_a_thread() -> None:
    stage = Stage()
    async with serving(stage.root) as memory:
        client = await memory.connect()
        (socket,) = stage.sockets
        await client.disconnect()
        await wait_all_tasks_blocked()
        await in_plain_thread(lambda: socket.emit("forgotten"))
        await in_plain_thread(lambda: socket.join("forgotten"))
        with pytest.raises(Disconnected):
            await socket.call("ask")
        assert await still_served(memory)
