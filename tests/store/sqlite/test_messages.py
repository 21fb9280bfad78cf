"""History on SQLite keeps the contract."""

from pathlib import Path

import pytest

from slysock_store import MessageId, NotFound
from slysock_store.sqlite.messages import existing_message, find_retried, message_at
from slysock_store.testing import Check, OpenStore
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from slysock_store.testing.messages import OF_HISTORY
from tests.store.contract import each_of
from tests.store.sqlite_parts import open_parts


@each_of(OF_HISTORY)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)


async def test_a_message_is_found_by_its_number_and_by_its_senders_id(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        new = said(ANNA, client_message_id="c")
        message = (await parts.store.add_message(SYSTEM, between(ANNA, BEN), new)).message
        connection, chat_id = parts.connection, message.chat_id
        assert existing_message(connection, SYSTEM, message.id) == message
        assert message_at(connection, chat_id, 1) == message
        assert find_retried(connection, chat_id, ANNA, "c") == message
        assert find_retried(connection, chat_id, BEN, "c") is None
        with pytest.raises(NotFound):
            existing_message(connection, SYSTEM, MessageId("0" * 24))
        with pytest.raises(AssertionError, match="no gaps"):
            message_at(connection, chat_id, 2)
