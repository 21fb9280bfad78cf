"""What every test here is held to."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_failure(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Bad input is the client's mistake, and no failure of the server: nothing at ERROR, no traceback."""
    with caplog.at_level(logging.INFO):
        yield
        failures = [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert not failures
