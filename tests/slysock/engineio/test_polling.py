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
    return PollingTransport(
        consumers=consumers(max_bytes), on_full=lambda: reports.append("full"), turn=trio.Lock()
    ), reports


class Poll:
    """A GET that waits."""

    def __init__(self, nursery: trio.Nursery, polling: PollingTransport) -> None:
        self.body: bytes | None = b"still waiting"
        self.gone, self.sends_more = trio.Event(), False
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run, polling)

    async def _run(self, polling: PollingTransport) -> None:
        with self.scope:
            self.body = await polling.poll(self._wait_next)

    async def _wait_next(self) -> bool:
        await self.gone.wait()
        return self.sends_more


async def never() -> bool:
    raise AssertionError("waits for nothing")


async def test_a_poll_takes_what_waits_at_once_and_in_order() -> None:
    polling, _ = transport()
    polling.send(MESSAGE)
    polling.send(BINARY)
    assert not polling.takes(MESSAGE)
    assert await polling.poll(never) == b"4hello\x1e451-[]\x1ebZGF0YQ=="
    assert (polling.hand_over(), polling.waiting_bytes) == ([], 0)


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
    assert await polling.poll(never) == b"4hello"


async def test_a_poll_ends_when_the_client_sends_a_request_behind_it(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    poll.sends_more = True
    poll.gone.set()
    await wait_all_tasks_blocked()
    assert (poll.body, polling.polled) == (b"6", False)


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


async def test_a_poll_that_waits_is_ended_and_the_next_one_waits_again(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    polling.end_poll()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    assert poll.body == b"still waiting"
    polling.end_poll()
    await wait_all_tasks_blocked()
    assert poll.body == b"6"
    following = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    assert following.body == b"still waiting"
    following.gone.set()


async def test_an_answer_holds_sixteen_packets_and_the_next_one_the_rest() -> None:
    """python-engineio leaves at 17, and what came with them is lost."""
    polling, _ = transport(max_bytes=10_000)
    numbers = [b"4%d" % number for number in range(33)]
    for number in numbers:
        polling.send(Outgoing(number))
    bodies = [await polling.poll(never) for _ in range(3)]
    assert bodies == [b"\x1e".join(part) for part in (numbers[:16], numbers[16:32], numbers[32:])]
    assert polling.waiting_bytes == 0


async def test_what_belongs_together_comes_in_one_answer() -> None:
    polling, _ = transport(max_bytes=10_000)
    event = Outgoing(b"410-[]", (b"",) * 10)
    polling.send(MESSAGE)
    for _ in range(2):
        polling.send(event)
    polling.send(Outgoing(b"4more", (b"",) * 20))
    bodies = [await polling.poll(never) for _ in range(3)]
    assert [body.count(b"\x1e") + 1 for body in bodies if body] == [12, 11, 21]


async def test_what_no_longer_fits_in_the_answer_would_not_leave_at_once(nursery: trio.Nursery) -> None:
    polling, _ = transport(max_bytes=10_000)
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    for _ in range(14):
        polling.send(MESSAGE)
    assert polling.takes(BINARY)
    polling.send(MESSAGE)
    assert polling.takes(MESSAGE)
    assert not polling.takes(BINARY)
    await wait_all_tasks_blocked()
    assert poll.body == b"\x1e".join([b"4hello"] * 15)


CASES = pytest.mark.parametrize(
    ("ending", "polled", "messages", "bodies"),
    [
        (Ending.GRACEFUL, True, 0, [b"1"]),
        (Ending.GRACEFUL, True, 1, [b"4hello", b"1"]),
        (Ending.GRACEFUL, True, 17, [b"\x1e".join([b"4hello"] * 16), b"4hello", b"1"]),
        (Ending.GRACEFUL, False, 0, [b"1"]),
        (Ending.GRACEFUL, False, 1, [b"4hello", b"1"]),
        (Ending.GRACEFUL, False, 16, [b"\x1e".join([b"4hello"] * 16), b"1"]),
        (Ending.ERROR, True, 1, [b"1"]),
        (Ending.ERROR, False, 1, []),
        (Ending.PEER, True, 1, [b"6"]),
        (Ending.PEER, False, 1, []),
    ],
)


@CASES
async def test_last_words(
    nursery: trio.Nursery, ending: Ending, polled: bool, messages: int, bodies: list[bytes]
) -> None:
    """The close packet has an answer of its own: JavaScript clients close at it, and then handle what came with it."""
    polling, _ = transport(max_bytes=1000)
    poll = Poll(nursery, polling) if polled else None
    await wait_all_tasks_blocked()
    for _ in range(messages):
        polling.send(MESSAGE)
    polling.close(ending, CloseCode.NORMAL, "")
    polling.send(MESSAGE)
    assert polling.lingering is (len(bodies) > polled)
    await wait_all_tasks_blocked()
    heard = [] if poll is None else [poll.body]
    while polling.lingering:
        heard.append(await polling.poll(never))
    assert heard == bodies
    assert polling.hand_over() == []


async def test_last_words_whose_poll_is_given_up_wait_for_the_next(nursery: trio.Nursery) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling)
    await wait_all_tasks_blocked()
    polling.send(MESSAGE)
    polling.close(Ending.GRACEFUL, CloseCode.NORMAL, "")
    poll.scope.cancel()
    await wait_all_tasks_blocked()
    assert poll.body == b"still waiting"
    assert [await polling.poll(never) for _ in range(2)] == [b"4hello", b"1"]


@pytest.mark.parametrize("polled", [False, True])
async def test_last_words_may_go_another_way(nursery: trio.Nursery, polled: bool) -> None:
    polling, _ = transport()
    poll = Poll(nursery, polling) if polled else None
    await wait_all_tasks_blocked()
    polling.send(MESSAGE)
    polling.close(Ending.GRACEFUL, CloseCode.NORMAL, "")
    assert polling.hand_over() == [MESSAGE]
    assert not polling.lingering
    await wait_all_tasks_blocked()
    if poll is not None:
        assert poll.body == b"6"


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


class Line:
    """What takes an answer at once, and brings it to the client little by little."""

    written_bytes = 0
    taken_bytes = 0


async def test_a_client_that_still_reads_what_the_kernel_has_is_in_the_middle_of_it() -> None:
    polled, _ = transport()
    line = Line()
    polled.send(Outgoing(b"4" + bytes(1000)))

    async def never() -> bool:
        raise AssertionError("there is something to say")

    payload = await polled.poll(never)
    assert payload is not None
    with polled.delivering(payload, line):
        line.written_bytes = len(payload)
    assert not polled.stirred()
    assert polled.taken_bytes == polled.waiting_bytes == 0
    for taken in (500, len(payload)):
        line.taken_bytes = taken
        assert polled.taken_bytes == taken
        assert polled.stirred()
        assert not polled.stirred()
    polled.send(Outgoing(b"4"))
    await polled.poll(never)
    assert polled.taken_bytes == len(payload)
    assert not polled.stirred(), "a poll is no part of a message"


async def test_what_seems_to_stop_short_is_taken_once_the_client_asks_for_more() -> None:
    """Compressed, it is less than was counted."""
    polled, _ = transport()
    line = Line()
    polled.send(Outgoing(b"4" + bytes(1000)))

    async def never() -> bool:
        raise AssertionError("there is something to say")

    payload = await polled.poll(never)
    assert payload is not None
    with polled.delivering(payload, line):
        line.written_bytes = line.taken_bytes = 100
    assert polled.taken_bytes == 100
    polled.send(Outgoing(b"4"))
    await polled.poll(never)
    assert polled.taken_bytes == len(payload)
