"""The polling transport by itself: what waits for a poll, and what a poll gets."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.engineio.polling import PollingTransport
from slysock.engineio.transport import Ending
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from tests.slysock.engineio.outboxes import consumers

MESSAGE = Outgoing(b"4hello")
BINARY = Outgoing(b"451-[]", (b"data",))


def transport(max_bytes: int = 100) -> tuple[PollingTransport, list[str]]:
    reports: list[str] = []
    return PollingTransport(consumers=consumers(max_bytes), on_full=lambda: reports.append("full")), reports


class Poll:
    """A GET that waits."""

    def __init__(self, nursery: trio.Nursery, polling: PollingTransport) -> None:
        self.body: bytes | None = b"still waiting"
        self.gone = trio.Event()
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run, polling)

    async def _run(self, polling: PollingTransport) -> None:
        with self.scope:
            self.body = await polling.poll(self.gone.wait)


async def test_a_poll_takes_what_waits_at_once_and_in_order() -> None:
    polling, _ = transport()
    polling.send(MESSAGE)
    polling.send(BINARY)
    assert not polling.takes(MESSAGE)
    assert await polling.poll(trio.sleep_forever) == b"4hello\x1e451-[]\x1ebZGF0YQ=="
    assert polling.hand_over() == []


async def test_a_waiting_poll_is_ended_by_the_first_message_and_carries_what_comes_with_it(
    nursery: trio.Nursery,
) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    assert (polling.polled, polling.takes(MESSAGE), polling.name) == (True, True, "polling")
    polling.send(MESSAGE)
    polling.send(MESSAGE)
    await wait_all_tasks_blocked()
    assert poll.body == b"4hello\x1e4hello"
    assert not polling.polled


async def test_a_client_that_leaves_its_poll_loses_nothing_of_what_comes_later(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    poll.gone.set()
    await wait_all_tasks_blocked()
    assert poll.body is None
    polling.send(MESSAGE)
    assert await polling.poll(trio.sleep_forever) == b"4hello"


async def test_a_poll_that_is_cancelled_leaves_everything_where_it_was(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    polling.send(MESSAGE)
    poll.scope.cancel()
    await wait_all_tasks_blocked()
    assert (poll.body, polling.polled) == (b"still waiting", False)
    assert polling.hand_over() == [MESSAGE]


async def test_above_the_limit_nothing_more_is_kept_and_it_is_said_once() -> None:
    polling, reports = transport(max_bytes=10)
    polling.send(Outgoing(b"4" * 50))
    assert reports == [], "one message may be larger"
    for _ in range(3):
        polling.send(MESSAGE)
    assert reports == ["full"]
    assert polling.waiting_bytes == 0
    assert polling.hand_over() == [], "a slow consumer's are forgotten"


async def test_an_upgrade_releases_the_waiting_poll_and_every_later_one(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    polling.release()
    await wait_all_tasks_blocked()
    assert poll.body == b"6"
    assert await polling.poll(trio.sleep_forever) == b"6"
    polling.send(MESSAGE)
    assert await polling.poll(trio.sleep_forever) == b"4hello"
    polling.hold()
    held = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    assert held.body == b"still waiting"
    held.gone.set()


@pytest.mark.parametrize(
    ("ending", "polled", "body", "lingers"),
    [
        (Ending.GRACEFUL, True, b"4hello\x1e1", False),
        (Ending.GRACEFUL, False, b"4hello\x1e1", True),
        (Ending.ERROR, True, b"1", False),
        (Ending.ERROR, False, None, False),
        (Ending.PEER, True, b"6", False),
        (Ending.PEER, False, None, False),
    ],
)
async def test_last_words(
    nursery: trio.Nursery, ending: Ending, polled: bool, body: bytes | None, lingers: bool
) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling) if polled else None
    await wait_all_tasks_blocked()
    polling.send(MESSAGE)
    polling.close(ending, CloseCode.NORMAL, "")
    polling.send(MESSAGE)
    assert polling.lingering is lingers
    await wait_all_tasks_blocked()
    if poll is not None:
        assert poll.body == body
    elif lingers:
        assert await polling.poll(trio.sleep_forever) == body
    assert not polling.lingering
    assert polling.hand_over() == []


def test_there_is_one_post_at_a_time() -> None:
    polling, _ = transport()
    assert polling.begin_post()
    assert not polling.begin_post()
    polling.end_post()
    assert polling.begin_post()


async def test_news_end_a_poll_whether_they_come_in_its_turn_or_while_it_waits(nursery: trio.Nursery) -> None:
    """Which of the two it is depends on Trio, which runs what is due forwards or backwards, by chance."""
    for _ in range(20):
        polling, _ = transport()
        poll = Poll(nursery, polling)
        while not polling.polled:  # noqa: ASYNC110 - a few turns, and the poll tells nobody
            await trio.lowlevel.checkpoint()
        polling.send(MESSAGE)
        await wait_all_tasks_blocked()
        assert poll.body == b"4hello"
        assert not polling.polled


async def test_what_waits_is_counted_as_it_will_be_sent() -> None:
    polling, _ = transport()
    polling.send(MESSAGE)
    polling.send(BINARY)
    assert polling.waiting_bytes == len(b"4hello") + len(b"451-[]\x1ebZGF0YQ==")
    polling.hand_over()
    assert polling.waiting_bytes == 0


@pytest.mark.parametrize("endings", [(Ending.PEER, Ending.GRACEFUL), (Ending.GRACEFUL, Ending.ERROR)])
async def test_closing_twice_is_closing_once(endings: tuple[Ending, Ending]) -> None:
    polling, _ = transport()
    polling.close(endings[0], CloseCode.NORMAL, "")
    before = (polling.closed, polling.lingering)
    polling.close(endings[1], CloseCode.NORMAL, "")
    assert (polling.closed, polling.lingering) == before


async def test_holding_polls_that_were_never_released_changes_nothing(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    polling.hold()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    assert polling.polled
    polling.send(MESSAGE)
    await wait_all_tasks_blocked()
    assert poll.body == b"4hello"
