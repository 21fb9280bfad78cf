"""Every backend keeps the contract that the package ships."""

import itertools
from pathlib import Path

import pytest

from slysock_store.testing import CHECKS, DURABLE_CHECKS, Check, OpenStore, check_store

from .conftest import opener


def name_of(check: Check) -> str:
    return getattr(check, "__name__", "check").removeprefix("check_")


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_contract(check: Check, open_any: OpenStore) -> None:
    await check(open_any)


@pytest.mark.parametrize("check", DURABLE_CHECKS, ids=name_of)
async def test_durable_contract(check: Check, durable_url: str) -> None:
    await check(opener(durable_url))


async def test_the_suite_runs_as_one_call(tmp_path: Path) -> None:
    numbers = itertools.count()
    await check_store(lambda: opener(f"sqlite:///{tmp_path}/{next(numbers)}.db"))
    await check_store(lambda: opener("sqlite://"), is_durable=False)


async def test_the_suite_names_the_check_that_fails() -> None:
    with pytest.raises(AssertionError, match="check_everything_is_there_after_reopening"):
        await check_store(lambda: opener("sqlite://"), is_durable=True)
