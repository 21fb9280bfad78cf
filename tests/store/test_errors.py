"""Errors say what happened in one line."""

import pytest

from slysock_store import NotFound, SchemaTooNew, StoreUnavailable, WrongStatus


def test_errors_say_what_happened() -> None:
    assert str(NotFound("chat", "x")) == "no chat 'x'"
    assert str(WrongStatus("closed")) == "the chat is closed"
    assert str(SchemaTooNew(where="chat.db", found=9, supported=1)).startswith("chat.db has schema version 9,")


@pytest.mark.parametrize("outcome_unknown", [False, True])
def test_an_unknown_outcome_is_told_apart(outcome_unknown: bool) -> None:
    error = StoreUnavailable("the disk is full", outcome_unknown=outcome_unknown)
    assert (str(error), error.outcome_unknown) == ("the disk is full", outcome_unknown)
