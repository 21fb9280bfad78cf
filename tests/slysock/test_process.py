"""What serving changes in its process, where it is changed back, and what signals do."""

import gc
import resource
import signal
import sys
from collections.abc import Iterator

import pytest
import trio

from slysock.process import call_on_hangup, ignore_hangups, settle_in, stop_on_signals


@pytest.fixture(autouse=True)
def habits() -> Iterator[None]:
    threshold, limits = gc.get_threshold(), resource.getrlimit(resource.RLIMIT_NOFILE)
    hangup = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, hangup)
    gc.unfreeze()
    gc.set_threshold(*threshold)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


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
        await nursery.start(stop_on_signals, stopped.set, nursery.cancel_scope)
        signal.raise_signal(number)
        await stopped.wait()
        assert not nursery.cancel_scope.cancel_called
        signal.raise_signal(number)
        await trio.sleep_forever()
    assert nursery.cancel_scope.cancelled_caught


async def test_signals_are_the_systems_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with trio.open_nursery() as nursery:
        await nursery.start(stop_on_signals, nursery.cancel_scope.cancel, nursery.cancel_scope)
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
