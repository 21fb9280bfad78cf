"""A store is inspected and copied as it is, whichever backend's, and what cannot be is told."""

from pathlib import Path

import pytest

from slysock_store import BadStoreUrl, Inspection, StoreUnavailable, back_up_store, inspect_store, open_store
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said, send


async def test_a_store_in_use_is_sound_and_what_is_in_it_is_counted(durable_url: str) -> None:
    async with open_store(durable_url) as store:
        first, *_ = await send(store, ANNA, BEN, ANNA)
        await store.delete_message(SYSTEM, first.id, by=ANNA)
        await store.ensure_chat(SYSTEM, between(ANNA, BEN, key="empty"))
        await store.mark_read(SYSTEM, first.chat_id, BEN)
        assert await inspect_store(durable_url) == Inspection(chats=2, messages=3, problems=())


@pytest.mark.parametrize("url", ["sqlite://", ":memory:"])
async def test_what_is_in_memory_can_be_neither_copied_nor_inspected(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadStoreUrl, match="only a database file"):
        await back_up_store(url, tmp_path / "copy.db")
    with pytest.raises(BadStoreUrl, match="in memory"):
        await inspect_store(url)


async def test_a_mongodb_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(BadStoreUrl, match="only a database file"):
        await back_up_store("mongodb://one/chat", tmp_path / "copy.db")


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    with pytest.raises(BadStoreUrl, match="there is no database"):
        await inspect_store(url)
    with pytest.raises(BadStoreUrl, match="there is no database"):
        await back_up_store(url, tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


async def test_a_copy_has_what_is_still_in_the_log_and_a_plain_copy_has_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with open_store(url) as store:
        for _ in range(19):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "x" * 4000))
        added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "last"))
        (tmp_path / "plain.db").write_bytes((tmp_path / "chat.db").read_bytes())
        size = await back_up_store(url, tmp_path / "copy.db")
    assert size == (tmp_path / "copy.db").stat().st_size > 76_000
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert (await inspect_store(f"sqlite:///{tmp_path}/copy.db")).messages == 20
    async with open_store(f"sqlite:///{tmp_path}/copy.db") as store:
        assert await store.get_message(SYSTEM, added.message.id) == added.message
    with pytest.raises((BadStoreUrl, StoreUnavailable)):
        await inspect_store(f"sqlite:///{tmp_path}/plain.db")
