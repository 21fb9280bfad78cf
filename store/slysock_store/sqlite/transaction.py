"""What one write works with."""

import sqlite3
from collections.abc import Mapping
from typing import TypeAlias, final

import msgspec

from slysock_store.ids import IdGenerator
from slysock_store.models import ChatId

from .files import DatabaseFiles
from .known_chats import KnownChats

Value: TypeAlias = str | int | None
Parameters: TypeAlias = tuple[Value, ...] | Mapping[str, Value]


@final
class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """An open transaction and its time in milliseconds since 1970. What a write raises undoes the write."""

    connection: sqlite3.Connection
    now: int
    ids: IdGenerator
    chats: KnownChats
    files: DatabaseFiles | None = None

    def new_id(self) -> str:
        """Return an id for something made by this write."""
        return self.ids.new_id(self.now)

    def refuse_growth(self) -> None:
        """Refuse to store something new while the disk has less room than is kept free. Call before anything changes.

        Raises:
            StoreFull: it has.
        """
        if self.files is not None:
            self.files.refuse_growth()

    def change_chat(self, chat_id: ChatId, statement: str, parameters: Parameters) -> sqlite3.Cursor:
        """Execute a statement that changes a chat or its members, and forget what was known of the chat."""
        self.chats.forget(chat_id)
        return self.connection.execute(statement, parameters)
