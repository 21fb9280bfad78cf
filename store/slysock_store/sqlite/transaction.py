"""What one write works with."""

import sqlite3
from typing import final

import msgspec

from slysock_store.ids import IdGenerator


@final
class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """An open transaction, and the time of this write in milliseconds since 1970. What it raises undoes the write."""

    connection: sqlite3.Connection
    now: int
    ids: IdGenerator

    def new_id(self) -> str:
        """Give an id for something made by this write."""
        return self.ids.new_id(self.now)
