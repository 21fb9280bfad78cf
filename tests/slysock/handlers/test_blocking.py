"""Running what does not wait, and who is told when it takes too long."""

import inspect
import types
from collections.abc import Awaitable, Callable, Generator
from types import SimpleNamespace
from typing import TypeAlias, cast

import pytest
import trio
from trio.testing import MockClock

from slysock import EngineHooks, Router, Socket
from slysock.handlers.blocking import call_timed, run_without_waiting
from slysock.socketio.observer import Observer
from slysock.testing import Memory
from slysock_protocol.engineio import Outgoing
from tests.slysock.notebook import Notebook
from tests.slysock.serving import logged, serving


@pytest.mark.parametrize(("seconds", "told"), [(0.1, []), (0.11, [("hook", 0.11)])])
def test_only_what_takes_more_than_a_tenth_of_a_second_is_told(
    monkeypatch: pytest.MonkeyPatch, seconds: float, told: list[tuple[str, float]]
) -> None:
    now, heard = 0.0, list[tuple[str, float]]()
    monkeypatch.setattr("slysock.handlers.blocking.perf_counter", lambda: now)

    def hook() -> None:
        nonlocal now
        now += seconds

    call_timed(lambda name, took: heard.append((name.rpartition(".")[2], took)), hook)
    assert heard == told


def test_what_waits_after_all_is_a_mistake_of_ours() -> None:
    @types.coroutine
    def wait() -> Generator[None, None, None]:
        yield

    async def hook() -> None:
        await wait()

    with pytest.raises(AssertionError):
        run_without_waiting(hook())


# ---- whoever blocks is named ----------------------------------------------------------------------------------------


class Stage:
    """A server of whose application one function, and no other, takes so long by the clock of `perf_counter`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.root = Router()
        self.hooks = EngineHooks()
        self._now = 0.0
        for module in ("handlers.blocking", "socketio.member", "socketio.observer"):
            monkeypatch.setattr(f"slysock.{module}.perf_counter", lambda: self._now)

    def work(self, *_: object) -> None:
        """Block."""
        self._now += self.seconds

    async def work_first(self, *_: object) -> None:
        self.work()
        await trio.sleep(1)

    async def work_last(self, *_: object) -> None:
        await trio.sleep(1)
        self.work()

    async def work_in_pieces(self, *_: object) -> None:
        """Block for half of the time, and let others have a turn."""
        self._now += self.seconds / 2
        await trio.sleep(1)
        self._now += self.seconds / 2

    def _handler(self, function: Callable[..., object]) -> Callable[[Socket], object]:
        async def wait(socket: Socket) -> None:
            await cast("Awaitable[object]", function())

        def do(socket: Socket) -> None:
            function()

        return wait if inspect.iscoroutinefunction(function) else do

    def set_up(self, kind: str, function: Callable[..., object]) -> None:
        """Register a function as one of a kind."""
        match kind:
            case "handler":
                handle = self._handler(function)
                handle.__qualname__ = function.__qualname__
                self.root.on("event")(handle)
            case "background":
                self.root.on("event")(lambda socket: socket.start_soon(cast("Background", function)))
            case "allow_request" | "on_initial_headers" | "on_headers":
                getattr(self.hooks, kind)(function)
            case "engine middleware":
                self.hooks.use(function)
            case "connection_error":
                self.hooks.on_connection_error(function)
            case _:
                getattr(self.root, kind)(function)
        if kind not in ("handler", "background"):
            self.root.on("event")(lambda socket: socket.emit("answer"))


Background: TypeAlias = Callable[[], Awaitable[None]]
BOTH_KINDS = ("handler", "use", "on_connect", "on_disconnect", "allow_request", "engine middleware")
PLAIN_KINDS = ("on_any", "on_any_outgoing", "on_initial_headers", "on_headers", "connection_error")
BLOCKING = [
    *((kind, name) for kind in BOTH_KINDS for name in ("work", "work_first", "work_last")),
    *((kind, "work") for kind in PLAIN_KINDS),
    *(("background", name) for name in ("work_first", "work_last")),
]


async def visit(memory: Memory) -> None:
    """Do all that an application may have to do with, each once."""
    client = await memory.connect()
    await client.emit("event")
    await trio.sleep(2)
    await client.connection.engine.send(Outgoing(b"1"))
    await memory.request("GET", "/socket.io/?EIO=3&transport=polling")
    await trio.sleep(2)


@pytest.mark.parametrize(("kind", "name"), BLOCKING)
async def test_what_blocks_the_loop_is_named(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    stage = Stage(monkeypatch)
    stage.set_up(kind, getattr(stage, name))
    async with serving(stage.root, hooks=stage.hooks) as memory:
        for stage.seconds in (0.1, 0.11):
            assert logged(caplog) == []
            await visit(memory)
        said = set(logged(caplog))
        expected = f"Stage.{name} blocked the event loop for 110 ms: every client had to wait"
        assert expected in said
        assert len(said) == (2 if kind == "on_any_outgoing" else 1), "it is part of what the handler takes"
        assert memory.server.statistics().loop_lag_seconds == pytest.approx(0.11)


@pytest.mark.parametrize("kind", [*BOTH_KINDS, "background"])
async def test_who_gives_others_a_turn_blocks_nobody(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    stage = Stage(monkeypatch)
    stage.set_up(kind, stage.work_in_pieces)
    stage.seconds = 0.19
    async with serving(stage.root, hooks=stage.hooks) as memory:
        await visit(memory)
    assert logged(caplog) == []


MOMENTS = ("joined", "left", "handled", "failed", "session_closed", "refused")


def ignore(*_: object) -> None:
    """Take note of nothing."""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_observer_that_blocks_the_loop_is_named(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    stage = Stage(monkeypatch)
    stage.root.on("event")(lambda socket: None)
    stage.root.on_disconnect(lambda socket, reason: 1 / 0)

    slow = SimpleNamespace(**dict.fromkeys(MOMENTS, ignore) | {moment: stage.work})
    async with serving(stage.root) as memory:
        for observer in (Notebook(), cast("Observer", slow), Notebook()):
            memory.server.observe(observer)
        for stage.seconds in (0.1, 0.11):
            assert [text for text in logged(caplog) if "blocked" in text] == []
            await visit(memory)
        assert "Stage.work blocked the event loop for 110 ms: every client had to wait" in logged(caplog)
