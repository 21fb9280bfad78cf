"""Answers to a call."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Disconnected, Router, Socket
from slysock.engineio.timers import Timers
from slysock.socketio.acks import Answers, answer_value
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import serving


def test_an_answer_is_none_its_value_or_a_tuple() -> None:
    assert answer_value([]) is None
    assert answer_value([[1]]) == [1]
    assert answer_value([1, 2]) == (1, 2)


async def test_waiting_ends_with_the_last_answer(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    answers, done = Answers(2), trio.Event()

    async def wait() -> None:
        await answers.wait(5, Timers())
        done.set()

    nursery.start_soon(wait)
    answers.take([1])
    await wait_all_tasks_blocked()
    assert not done.is_set()
    answers.take([2, 3])
    await done.wait()
    assert answers.values == [1, (2, 3)]
    assert trio.current_time() == 0


async def test_waiting_for_nobody_returns_at_once() -> None:
    answers = Answers(0)
    await answers.wait(0, Timers())
    assert answers.values == []


async def test_whoever_asks_nobody_again_and_again_can_be_cancelled() -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            await Answers(0).wait(5, Timers())
    assert scope.cancelled_caught


async def test_a_timeout_carries_the_answers_that_came(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    answers = Answers(3)
    answers.take(["here"])
    with pytest.raises(AckTimeout, match="2 of the clients") as caught:
        await answers.wait(5, timers)
    assert caught.value.answers == ["here"]
    answers.take([1])
    assert caught.value.answers == ["here"], "a late answer changes nothing"
    assert trio.current_time() == 5
    assert len(timers) == 0


async def test_time_in_which_the_loop_stood_still_does_not_count(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    timers, answers = Timers(), Answers(1)
    nursery.start_soon(timers.run)

    async def answer() -> None:
        mock_clock.jump(60)  # what blocks here keeps the answer from being read
        await trio.lowlevel.checkpoint()
        answers.take([1])

    nursery.start_soon(answer)
    await answers.wait(5, timers)
    assert answers.only() == 1


async def test_a_client_that_leaves_is_not_waited_for() -> None:
    answers = Answers(2)
    answers.take([1])
    answers.gone()
    await answers.wait(5, Timers())
    assert answers.values == [1]


async def test_a_call_to_a_client_that_left_says_so() -> None:
    answers = Answers(1)
    answers.gone()
    await answers.wait(5, Timers())
    with pytest.raises(Disconnected):
        answers.only()


def test_the_only_answer_may_be_none() -> None:
    answers = Answers(1)
    answers.take([])
    assert answers.only() is None


@pytest.mark.parametrize("body", [b"{}", b"1", b"[1", b""])
async def test_an_answer_that_is_no_array_ends_its_client_and_is_none(autojump_clock: MockClock, body: bytes) -> None:
    root, log = Router(), list[object]()
    root.on_disconnect(lambda socket, reason: log.append(reason))

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        with pytest.raises(Disconnected):
            await socket.call("question")
        log.append("no answer")

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("ask")
        question = await client.next()
        await client.connection.engine.send(Outgoing(b"43%d%b" % (question.ack_id or 0, body)))
        await wait_all_tasks_blocked()
    assert "parse error" in log
