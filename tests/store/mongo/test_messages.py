"""History on MongoDB keeps the contract."""

import pytest

from slysock_store import NotFound
from slysock_store.testing import Check, OpenStore, SettableClock
from slysock_store.testing.harness import ANNA, OTHER_SYSTEM, SYSTEM, send
from slysock_store.testing.messages import OF_HISTORY
from tests.store.contract import each_of

pytestmark = pytest.mark.port


@each_of(OF_HISTORY)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)


async def test_a_message_is_found_in_its_system_alone(open_mongo: OpenStore) -> None:
    async with open_mongo(clock=SettableClock()) as store:
        (message,) = await send(store, ANNA)
        assert await store.get_message(SYSTEM, message.id) == message
        assert await store.get_message(OTHER_SYSTEM, message.id) is None
        with pytest.raises(NotFound):
            await store.set_reaction(OTHER_SYSTEM, message.id, by=ANNA, emoji="!")
