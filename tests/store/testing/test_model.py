"""The plain model agrees with the store in memory, and fails where they differ."""

import pytest

from slysock_store import open_store
from slysock_store.testing import Check, SettableClock
from slysock_store.testing.model import CHECKS, STEPS, Model
from tests.store.conftest import opener
from tests.store.contract import each_of


@each_of(CHECKS)
async def test_a_store_in_memory_keeps_it(check: Check) -> None:
    await check(opener("sqlite://"))


async def test_a_model_that_knows_something_else_fails() -> None:
    clock = SettableClock()
    async with open_store("sqlite://", clock=clock) as store:
        model = Model(store, clock, seed=1)
        await model.begin()
        for _ in range(STEPS):
            await model.step()
        await model.check()
        kept = next(kept for kept in model.kept("1") if not kept.is_deleted)
        kept.delivered_to.clear()
        kept.read_by.add(kept.message.sender)
        with pytest.raises(AssertionError, match="who "):
            await model.check()
