"""What is above a session that nobody has claimed, or that has closed: nobody."""

from trio.testing import MockClock

from slysock.engineio.receiver import NOBODY, ReceiverStatistics


async def test_nobody_forgets_everything_and_keeps_no_one_waiting(mock_clock: MockClock) -> None:
    NOBODY.text(b"lost")
    NOBODY.binary(b"lost")
    NOBODY.closed("transport close", by_client=True)
    await NOBODY.wait_ready()
    await NOBODY.finish()
    assert not NOBODY.backlogged
    assert NOBODY.statistics() == ReceiverStatistics()
