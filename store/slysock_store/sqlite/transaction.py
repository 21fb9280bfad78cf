"""What one write works with."""

import sqlite3
from dataclasses import dataclass
from typing import final

from slysock_store.ids import IdGenerator


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An open transaction, within a savepoint of its own, and the time of this write in milliseconds since 1970."""

    connection: sqlite3.Connection
    now: int
    ids: IdGenerator

    def new_id(self) -> str:
        """Give an id for something made by this write."""
        return self.ids.new_id(self.now)
