"""What serving changes in its process, tried in one of its own, and what signals do."""

import signal
import subprocess
import sys

import pytest
import trio

from slysock.process import stop_on_signals

SCRIPT = """
import gc, resource
from slysock.process import settle_in
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
settle_in()
settle_in()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))
print(gc.get_threshold()[0] > 700)
print(gc.get_freeze_count() > 0)
"""


def test_a_serving_process_may_open_many_files_and_seldom_looks_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]


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
