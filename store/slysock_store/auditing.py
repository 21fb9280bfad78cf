"""What must agree in a database, as pure functions on numbers that the backends count.

Receipts are not part of it: a member's unread count is what `slysock_store.testing.audit` compares.
"""

from collections.abc import Iterable, Iterator
from typing import Final, final

import msgspec

MAX_PROBLEMS: Final = 100
"""Problems that are spelled out; the rest is counted. Where one thing is wrong, thousands often are."""


@final
class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What has been found in a database."""

    chats: int
    messages: int
    problems: tuple[str, ...]
    """One line each; empty for a database that is sound."""
    more_problems: int = 0
    """How many there are beyond `MAX_PROBLEMS`."""


@final
class CountedChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat as it is recorded, and its messages as they were counted. Times in milliseconds since 1970."""

    id: str
    last_sequence: int
    message_count: int
    last_message_at: int | None
    active_at: int
    created_at: int
    messages: int
    kept: int
    """Messages that are not deleted."""
    first: int | None
    """The lowest sequence."""
    last: int | None
    """The highest."""
    newest_at: int | None
    """When the message with the highest sequence was sent."""


def problems_of(chat: CountedChat) -> Iterator[str]:
    """Yield what does not agree in a chat."""
    if (chat.first or 1, chat.last or 0) != (1, chat.messages):
        yield f"chat {chat.id}: {chat.messages} messages are numbered from {chat.first} to {chat.last}, with gaps"
    if chat.last_sequence != (chat.last or 0):
        yield f"chat {chat.id}: the last message is number {chat.last or 0}, recorded is {chat.last_sequence}"
    if chat.message_count != chat.kept:
        yield f"chat {chat.id}: {chat.kept} messages are not deleted, recorded are {chat.message_count}"
    if chat.last_message_at != chat.newest_at:
        yield f"chat {chat.id}: the time of the last message is not the one recorded"
    if chat.active_at != (chat.created_at if chat.last_message_at is None else chat.last_message_at):
        yield f"chat {chat.id}: it is listed at another time than that of its last message"


@final
class Findings:
    """Gathers what an inspection finds."""

    def __init__(self) -> None:
        self._chats = 0
        self._messages = 0
        self._problems: list[str] = []
        self._more = 0

    def add(self, problems: Iterable[str]) -> None:
        """Add problems."""
        for problem in problems:
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.append(problem)
            else:
                self._more += 1

    def count(self, chat: CountedChat) -> None:
        """Count a chat, and add what does not agree in it."""
        self._chats += 1
        self._messages += chat.messages
        self.add(problems_of(chat))

    def result(self) -> Inspection:
        """Return what was found."""
        return Inspection(
            chats=self._chats, messages=self._messages, problems=tuple(self._problems), more_problems=self._more
        )
