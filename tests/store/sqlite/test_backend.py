"""A store on a file or in memory keeps the contract under many callers, cancellation, closing and reopening."""

from pathlib import Path

from slysock_store.testing import DURABLE_CHECKS, Check, OpenStore
from slysock_store.testing.races import CHECKS
from tests.store.conftest import opener
from tests.store.contract import each_of


@each_of(CHECKS)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)


@each_of(DURABLE_CHECKS)
async def test_durable_contract(check: Check, tmp_path: Path) -> None:
    await check(opener(f"sqlite:///{tmp_path}/chat.db"))
