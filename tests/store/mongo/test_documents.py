"""Documents become BSON and come back, or it is told why not."""

from typing import cast

import bson
import pytest

from slysock_store import (
    BadValue,
    StoreError,
)
from slysock_store.mongo.documents import CODEC, MAX_DOCUMENT_BYTES, ReferenceDocument, decode, encode
from slysock_store.testing.harness import ANNA, START, SYSTEM
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


async def test_a_document_that_somebody_else_wrote_is_told(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        parts.connection.collections.users.insert_one({"system": SYSTEM, "key": ANNA, "role": 7})
        with pytest.raises(StoreError, match="not a UserDocument"):
            await parts.store.get_user(SYSTEM, ANNA)


def reference(data: str) -> ReferenceDocument:
    return ReferenceDocument(system="s", kind="k", key="1", data=data, created_at=START, updated_at=START)


def test_a_document_comes_back() -> None:
    document = reference("مرحبا \x00")
    assert decode(bson.decode(encode(document).raw, CODEC), ReferenceDocument) == document


def test_what_cannot_be_kept_is_refused() -> None:
    for document in (reference("\ud800"), reference(cast("str", 7)), reference(cast("str", object()))):
        with pytest.raises(BadValue, match="a value cannot be stored"):
            encode(document)
    with pytest.raises(BadValue, match="the limit is 16777216"):
        encode(reference("x" * MAX_DOCUMENT_BYTES))
