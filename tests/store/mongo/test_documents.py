"""Documents become BSON and come back, or it is told why not."""

import pytest

from slysock_store import (
    StoreError,
)
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


async def test_a_document_that_somebody_else_wrote_is_told(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        parts.connection.collections.users.insert_one({"system": SYSTEM, "key": ANNA, "role": 7})
        with pytest.raises(StoreError, match="not a UserDocument"):
            await parts.store.get_user(SYSTEM, ANNA)
