"""The contract as one call."""

import pytest

from slysock_store.testing import check_store
from tests.store.conftest import opener


async def test_the_suite_runs_as_one_call() -> None:
    await check_store(lambda: opener("sqlite://"), is_durable=False)


async def test_the_suite_names_the_check_that_fails() -> None:
    with pytest.raises(AssertionError, match="check_everything_is_there_after_reopening"):
        await check_store(lambda: opener("sqlite://"), is_durable=True)
