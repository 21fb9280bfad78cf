"""Errors say what happened in one line."""

from slysock_store import NotFound, SchemaTooNew, WrongStatus


def test_errors_say_what_happened() -> None:
    assert str(NotFound("chat", "x")) == "no chat 'x'"
    assert str(WrongStatus("closed")) == "the chat is closed"
    assert str(SchemaTooNew(where="chat.db", found=9, supported=1)).startswith("chat.db has schema version 9,")
