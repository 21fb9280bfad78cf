"""Statements about the pages of marks that lie above gaps; see `slysock_store.progress`."""

import sqlite3
from collections.abc import Mapping
from typing import final

from slysock_store.models import ChatId, UserKey
from slysock_store.progress import Bits, Kind, from_bytes, to_bytes

SELECT_PAGE = "SELECT bits FROM receipt_pages WHERE chat_id = ? AND user_key = ? AND kind = ? AND page = ?"
SELECT_PAGES = """
    SELECT page, bits FROM receipt_pages WHERE chat_id = ? AND user_key = ? AND kind = ? AND page BETWEEN ? AND ?
"""
UPSERT_PAGE = "INSERT OR REPLACE INTO receipt_pages (chat_id, user_key, kind, page, bits) VALUES (?, ?, ?, ?, ?)"
DELETE_PAGES = "DELETE FROM receipt_pages WHERE chat_id = ? AND user_key = ? AND kind = ?"


@final
class StoredPages:
    """The pages as a connection sees them. For one operation: it keeps what it has read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen: dict[tuple[ChatId, UserKey, Kind, int], Bits] = {}

    def page(self, chat_id: ChatId, user: UserKey, kind: Kind, number: int) -> Bits:
        """See `slysock_store.receipts.Records`."""
        key = (chat_id, user, kind, number)
        if key not in self._seen:
            wanted = (chat_id, user, kind.value, number)
            row: tuple[bytes] | None = self._connection.execute(SELECT_PAGE, wanted).fetchone()
            self._seen[key] = 0 if row is None else from_bytes(row[0])
        return self._seen[key]

    def pages(self, chat_id: ChatId, user: UserKey, kind: Kind, numbers: range) -> Mapping[int, Bits]:
        """See `slysock_store.receipts.Records`."""
        wanted = (chat_id, user, kind.value, numbers[0], numbers[-1])
        return {number: from_bytes(bits) for number, bits in self._connection.execute(SELECT_PAGES, wanted)}

    def put_pages(self, chat_id: ChatId, user: UserKey, kind: Kind, pages: Mapping[int, Bits]) -> None:
        """See `slysock_store.receipts.Records`."""
        rows = [(chat_id, user, kind.value, number, to_bytes(bits)) for number, bits in pages.items()]
        self._connection.executemany(UPSERT_PAGE, rows)
        self._seen.update({(chat_id, user, kind, number): bits for number, bits in pages.items()})

    def clear_pages(self, chat_id: ChatId, user: UserKey, kind: Kind) -> None:
        """See `slysock_store.receipts.Records`."""
        self._connection.execute(DELETE_PAGES, (chat_id, user, kind.value))
        self._seen.clear()
