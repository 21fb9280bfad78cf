"""The contract's own tools fail where they should."""

from datetime import timedelta

import msgspec
import pytest

from slysock_store import ChatId, open_store
from slysock_store.testing import SettableClock, audit
from slysock_store.testing.harness import (
    ANNA,
    BEN,
    START,
    SYSTEM,
    between,
    chat_of,
    expect,
    expect_equal,
    expect_raises,
    said,
    send,
)


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


def test_expectations_that_hold_say_nothing() -> None:
    expect_equal(1, 1, "unread")
    expect(True, "holds")
    with expect_raises(KeyError):
        raise KeyError("wanted")


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = SettableClock()
    assert clock() == clock() == START
    clock.move(-1.5)
    assert clock() == START - timedelta(seconds=1.5)


async def test_the_chat_of_a_message_is_found_or_missed() -> None:
    async with open_store("sqlite://") as store:
        (message,) = await send(store, ANNA)
        assert (await chat_of(store, message)).id == message.chat_id
        with pytest.raises(AssertionError, match="is gone"):
            await chat_of(store, msgspec.structs.replace(message, chat_id=ChatId("0" * 24)))
