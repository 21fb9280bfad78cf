"""How tests open what must not open, and write where nothing may be written soon."""

import pytest
import trio

from slysock_store import Store, StoreError, open_store
from slysock_store.testing.harness import ANNA, SYSTEM


async def fails(url: str) -> StoreError:
    """Open a store and return the error, which has one line."""
    with trio.fail_after(30), pytest.raises(StoreError) as caught:
        async with open_store(url):
            pass
    assert "\n" not in str(caught.value)
    return caught.value


async def write_on(store: Store) -> None:
    """Write until that fails."""
    with trio.fail_after(30):
        while True:
            await store.upsert_user(SYSTEM, ANNA, role="VENDOR", profile={})
