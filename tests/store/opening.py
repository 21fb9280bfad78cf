"""How tests open what must not open."""

import pytest
import trio

from slysock_store import StoreError, open_store


async def fails(url: str) -> StoreError:
    """Open a store and return the error, which has one line."""
    with trio.fail_after(30), pytest.raises(StoreError) as caught:
        async with open_store(url):
            pass
    assert "\n" not in str(caught.value)
    return caught.value
