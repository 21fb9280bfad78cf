"""What serving changes in its process, where it is changed back, and what signals do."""

import gc
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import trio
from trio.testing import MockClock

from slysock.process import (
    _find_trim,
    call_on_hangup,
    ignore_hangups,
    return_memory,
    run_to_the_end,
    settle_in,
    stop_on_signals,
)
from tests.slysock.engineio.frames import HANDSHAKE, TEXT, frame

pytestmark = pytest.mark.usefixtures("habits")


@pytest.fixture(autouse=True)
def hangups() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_serving_process_may_open_many_files_and_seldom_looks_for_garbage() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    for _ in range(2):
        settle_in()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        assert gc.get_threshold()[0] > 700
        assert gc.get_freeze_count() > 0


def test_a_system_that_allows_no_more_files_is_served_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed")  # as macOS does where the hard limit is "unlimited"

    caplog.set_level("INFO", "slysock")
    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        settle_in()
    assert "the limit of open files stays at" in caplog.text


def test_a_system_without_such_limits_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    settle_in()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_stops_and_the_second_one_cancels(number: signal.Signals) -> None:
    stopped = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(stop_on_signals, stopped.set, nursery.cancel_scope, within=0))
        signal.raise_signal(number)
        await stopped.wait()
        assert not nursery.cancel_scope.cancel_called
        signal.raise_signal(number)
        await trio.sleep_forever()
    assert nursery.cancel_scope.cancelled_caught


async def test_signals_are_the_systems_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with trio.open_nursery() as nursery:
        scope = nursery.cancel_scope
        await nursery.start(partial(stop_on_signals, scope.cancel, scope, within=0))
        assert signal.getsignal(signal.SIGTERM) is not before
        nursery.cancel_scope.cancel()
    assert signal.getsignal(signal.SIGTERM) is before


async def test_each_hangup_is_a_call_and_before_and_after_it_is_nothing() -> None:
    ignore_hangups()
    signal.raise_signal(signal.SIGHUP)
    send, receive = trio.open_memory_channel[str](1)
    async with trio.open_nursery() as nursery:
        await nursery.start(call_on_hangup, lambda: send.send_nowait("called"))
        for _ in range(2):
            signal.raise_signal(signal.SIGHUP)
            assert await receive.receive() == "called"
        nursery.cancel_scope.cancel()
    signal.raise_signal(signal.SIGHUP)


async def test_a_system_without_hangups_is_served_too(monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery) -> None:
    monkeypatch.setattr("slysock.process.HANGUP", None)
    before = signal.getsignal(signal.SIGHUP)
    ignore_hangups()
    await nursery.start(call_on_hangup, print)
    assert signal.getsignal(signal.SIGHUP) is before


SHIELDED = """
import contextlib, sys, trio
from slysock import Config, Router, run

@contextlib.asynccontextmanager
async def lifespan(server):
    print("listening", flush=True)
    yield

root = Router("/")

@root.on("hold")
async def hold(socket):
    print("held", flush=True)
    with trio.CancelScope(shield=True):
        await trio.sleep(60)

run(root, port=int(sys.argv[1]), config=Config(shutdown_seconds=2), lifespan=lifespan)
print("never reached")
"""


@pytest.mark.port
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_ends_in_time_whatever_its_handlers_shield(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-c", SHIELDED, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HANDSHAKE + frame(TEXT, b"40") + frame(TEXT, b'42["hold"]'))
            assert process.stdout.readline() == "held\n"
            since = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert time.monotonic() - since < 3
        assert (process.returncode, out) == (1, "")
        assert "handlers that shield themselves" in err
        assert "the process ends before what shields itself" in err
    finally:
        process.kill()
        process.communicate()


HANGING = """
import contextlib, sys, time, trio
from slysock import Config, Router, run

def block():
    print("held", flush=True)
    while True:
        time.sleep(0.1)

root = Router("/")
root.on("hold")(lambda socket: block())

@contextlib.asynccontextmanager
async def lifespan(server):
    if sys.argv[2] == "a thread of the start":
        await trio.to_thread.run_sync(block)
    if sys.argv[2] == "the start":
        print("held", flush=True)
        await trio.sleep_forever()
    print("listening", flush=True)
    yield
    if sys.argv[2] == "a thread of the end":
        await trio.to_thread.run_sync(block)

run(root, port=int(sys.argv[1]), config=Config(shutdown_seconds=1), lifespan=lifespan)
print("reached")
"""


@pytest.mark.port
@pytest.mark.parametrize(
    ("what", "code", "seconds"),
    [("the start", 0, 1), ("a thread of the start", 1, 3), ("a thread of the end", 1, 3), ("a handler", 1, 3)],
)
def test_a_process_ends_in_time_whatever_hangs_or_blocks(what: str, code: int, seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-c", HANGING, str(port), what]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        if "start" not in what:
            assert next(lines) == "listening\n"
        with socket.socket() as client:
            if what == "a handler":
                client.connect(("127.0.0.1", port))
                client.sendall(HANDSHAKE + frame(TEXT, b"40") + frame(TEXT, b'42["hold"]'))
            if what != "a thread of the end":
                assert next(lines) == "held\n"
            since = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        assert time.monotonic() - since < seconds
        assert process.returncode == code, err
        assert ("reached" in out) is (code == 0)
        assert ("the process ends before" in err) is (code == 1)
    finally:
        process.kill()
        process.communicate()


OUTLIVED = """
import trio
from slysock.process import (
    run_to_the_end,
)

async def shield():
    with trio.CancelScope(shield=True):
        await trio.sleep(60)

async def work():
    trio.lowlevel.spawn_system_task(shield)
    await trio.lowlevel.checkpoint()
    raise ValueError("what the work has failed at")

run_to_the_end(work)
"""


def test_what_the_work_has_failed_at_is_told_when_the_process_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", OUTLIVED], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert "ValueError: what the work has failed at" in done.stderr


async def double(value: int) -> int:
    return 2 * value


async def fail() -> None:
    raise ValueError("no")


def test_work_that_ends_by_itself_is_run_as_trio_runs_it() -> None:
    assert run_to_the_end(double, 21) == 42
    with pytest.raises(ValueError, match="no"):
        run_to_the_end(fail)


async def test_free_memory_goes_back_in_quiet_seconds_and_not_too_often(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, load, times = 0.0, 0.5, list[float]()

    def process_time() -> float:
        nonlocal used
        used += load
        return used

    def trim(pad: int) -> int:
        assert pad == 0
        times.append(round(trio.current_time()))
        return 1

    async def in_a_thread(call: Callable[[int], int], pad: int) -> int:  # which a clock that jumps would not wait for
        await trio.lowlevel.checkpoint()
        return call(pad)

    monkeypatch.setattr("slysock.process._find_trim", lambda: trim)
    monkeypatch.setattr("slysock.process.time", SimpleNamespace(process_time=process_time))
    monkeypatch.setattr("trio.to_thread.run_sync", in_a_thread)
    nursery.start_soon(return_memory, 30.0)
    await trio.sleep(100)
    assert times == [], "while there is much to do, it is used again"
    load = 0.05
    await trio.sleep(80)
    assert [later - earlier for earlier, later in pairwise(times)] == [31, 31]
    nursery.cancel_scope.cancel()


async def test_other_allocators_are_left_alone(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.process.sys", SimpleNamespace(platform="darwin"))
    await return_memory(30.0)
    assert trio.current_time() == 0


def test_the_allocator_of_linux_is_found() -> None:
    trim = _find_trim()
    assert trim is not None, "where slysock is tested, libc is glibc"
    assert trim(0) in (0, 1)
