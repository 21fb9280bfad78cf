"""The contract's own tools fail where they should."""

import pytest

from slysock_store import ChatId, open_store
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, expect, expect_equal, expect_raises, said


def test_expectations_fail_with_what_they_are_about() -> None:
    with pytest.raises(AssertionError, match="unread: found 1, wanted 2"):
        expect_equal(1, 2, "unread")
    with pytest.raises(AssertionError, match="holds"):
        expect(False, "holds")
    with pytest.raises(AssertionError, match="wanted KeyError"), expect_raises(KeyError):
        pass
    with pytest.raises(ValueError, match="another"), expect_raises(KeyError):
        raise ValueError("another")


async def test_an_audit_needs_a_chat() -> None:
    async with open_store("sqlite://") as store:
        with pytest.raises(AssertionError, match="no chat"):
            await audit(store, ChatId("0" * 24))


async def test_an_audit_goes_through_all_pages() -> None:
    async with open_store("sqlite://") as store:
        chat = (await store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat
        for number in range(205):
            await store.add_message(SYSTEM, chat.id, said(ANNA, str(number)))
        assert len(await audit(store, chat.id)) == 205
