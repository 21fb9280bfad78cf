"""URLs, files and schema versions: what opens, what is refused, and how it is said."""

from pathlib import Path

import pytest

from slysock_store import BadStoreUrl, open_store
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.opening import fails


@pytest.mark.parametrize("url", ["sqlite://", ":memory:", "sqlite:///:memory:"])
async def test_memory_is_empty_each_time(url: str) -> None:
    for _ in range(2):
        async with open_store(url) as store:
            assert await store.get_user(SYSTEM, ANNA) is None
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})


async def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///one.db", f"sqlite:///{tmp_path}/two.db"):
        async with open_store(url):
            pass
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["one.db", "two.db"]


@pytest.mark.parametrize(
    "url",
    ["", "chat.db", "postgres://host/db", "sqlite:chat.db", "sqlite://chat.db", "sqlite:///", "sqlite:///a.db?mode=ro"],
)
async def test_what_names_no_store_is_refused(url: str) -> None:
    assert isinstance(await fails(url), BadStoreUrl)


@pytest.mark.port
async def test_a_mongodb_url_opens_a_database(new_mongo_url: str) -> None:
    async with open_store(new_mongo_url) as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
    async with open_store(new_mongo_url) as store:
        assert await store.get_user(SYSTEM, ANNA) is not None
