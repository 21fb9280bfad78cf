"""What every test here is held to."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_failure(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Bad input is the client's mistake, and no failure of the server: nothing at ERROR, no traceback."""
    with caplog.at_level(logging.INFO):
        yield
        failures = [record for record in caplog.records if ours(record)]
    assert not failures


def ours(record: logging.LogRecord) -> bool:
    """Tell whether a record is a failure of the server; a client library's thread of another test may log, too."""
    foreign = record.name.partition(".")[0] in ("engineio", "socketio")
    return not foreign and (record.levelno >= logging.ERROR or record.exc_info is not None)
