"""The loop's lag: what is remembered, and what the log is told."""

import pytest
from trio.testing import MockClock

from slysock.engineio.lag import Lag
from tests.slysock.serving import logged


async def test_the_worst_is_remembered_for_a_minute_at_most(mock_clock: MockClock) -> None:
    lag = Lag()
    assert lag.worst_seconds == 0
    lag.late(0.3)
    lag.late(0.2)
    assert lag.worst_seconds == 0.3
    mock_clock.jump(31)
    lag.late(0.1)
    assert lag.worst_seconds == 0.3
    mock_clock.jump(30)
    assert lag.worst_seconds == 0.1
    mock_clock.jump(61)
    assert lag.worst_seconds == 0


async def test_a_long_silence_leaves_nothing(mock_clock: MockClock) -> None:
    lag = Lag()
    lag.late(0.3)
    mock_clock.jump(1000)
    assert lag.worst_seconds == 0


async def test_a_standstill_is_told_and_a_busy_loop_is_not(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    lag = Lag()
    lag.late(1.0)
    assert logged(caplog) == []
    lag.late(1.01)
    assert logged(caplog) == ["the event loop stood still for 1.0 s"]


async def test_who_blocks_is_named(mock_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    lag = Lag()
    lag.blocked("resize", 0.25)
    assert logged(caplog) == ["resize blocked the event loop for 250 ms: every client had to wait"]
    assert lag.worst_seconds == 0.25
