"""A database in memory: no thread, one checkpoint before each call, and nothing after closing."""

import threading

import pytest
import trio
from trio.testing import assert_checkpoints

from slysock_store import NotFound, StoreClosed, open_store
from slysock_store.testing.harness import ANNA, SYSTEM


async def test_reads_and_writes_are_checkpoints_and_use_no_thread() -> None:
    before = threading.active_count()
    async with open_store("sqlite://") as store:
        with assert_checkpoints():
            user = await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        with assert_checkpoints():
            assert await store.get_user(SYSTEM, ANNA) == user
        assert threading.active_count() == before
        statistics = store.statistics()
    assert (statistics.writes, statistics.commits, statistics.waiting_writes, statistics.busy_refusals) == (1, 1, 0, 0)


async def test_a_cancelled_caller_neither_reads_nor_writes() -> None:
    async with open_store("sqlite://") as store:
        with trio.CancelScope() as scope:
            scope.cancel()
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        assert scope.cancelled_caught
        assert await store.get_user(SYSTEM, ANNA) is None


async def test_a_refusal_reaches_its_caller() -> None:
    async with open_store("sqlite://") as store:
        with pytest.raises(NotFound):
            await store.touch_user(SYSTEM, ANNA)


async def test_a_closed_database_refuses_both() -> None:
    async with open_store("sqlite://") as store:
        pass
    with pytest.raises(StoreClosed):
        await store.get_user(SYSTEM, ANNA)
    with pytest.raises(StoreClosed):
        await store.touch_user(SYSTEM, ANNA)
