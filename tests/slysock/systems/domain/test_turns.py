"""Turns under one key, and what they leave behind."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.systems.domain.turns import Turns
from slysock_store import ChatKey


async def test_a_chats_turns_come_one_after_the_other_and_leave_nothing_behind(autojump_clock: MockClock) -> None:
    turns = Turns()
    log: list[str] = []

    async def take(name: str, key: str) -> None:
        async with turns.take(ChatKey(key)):
            log.append(f"+{name}")
            await trio.sleep(1)
            log.append(f"-{name}")

    async with trio.open_nursery() as nursery:
        for name in ("a", "b", "c"):
            nursery.start_soon(take, name, "one")
            await wait_all_tasks_blocked()
        nursery.start_soon(take, "x", "two")
    assert [entry for entry in log if "x" not in entry] == ["+a", "-a", "+b", "-b", "+c", "-c"]
    assert log.index("+x") < log.index("+b")
    assert len(turns) == 0


async def test_one_who_gives_up_waiting_for_a_turn_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    turns = Turns()

    async def give_up() -> None:
        with trio.move_on_after(1):
            async with turns.take(ChatKey("one")):
                pytest.fail("two at once")

    async with trio.open_nursery() as nursery, turns.take(ChatKey("one")):
        nursery.start_soon(give_up)
        await trio.sleep(2)
    assert len(turns) == 0
