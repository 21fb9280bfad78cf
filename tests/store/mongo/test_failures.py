"""What the driver raises becomes the store's error, without contents of documents, and may be tried again."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from slysock_store import BadValue, NotFound, StoreError, StoreFull, StoreUnavailable
from slysock_store.mongo.failures import (
    DUPLICATE_KEY,
    SNAPSHOT_UNAVAILABLE,
    TRANSIENT,
    UNKNOWN,
    is_own_fault,
    mapped,
    may_read_again,
    may_try_transaction_again,
)


def failure(code: int | None, *labels: str) -> OperationFailure:
    return OperationFailure("secret", code, {"errorLabels": list(labels)})


def bulk(*codes: int) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [{"code": code, "errmsg": "secret"} for code in codes]})


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ExecutionTimeout("secret", 50), StoreUnavailable, "here did not answer in time"),
        (WTimeoutError("secret", 64), StoreUnavailable, "here did not answer in time"),
        (NetworkTimeout("secret"), StoreUnavailable, "here cannot be reached"),
        (AutoReconnect("secret"), StoreUnavailable, "here cannot be reached"),
        (failure(13), StoreUnavailable, "here does not allow this user to do that"),
        (failure(14031), StoreFull, "here cannot grow (disk full)"),
        (bulk(2, 14031), StoreFull, "here cannot grow (disk full)"),
        (bulk(), StoreError, "here refused a command: code 65"),
        (DuplicateKeyError("secret", DUPLICATE_KEY), StoreUnavailable, "here is busy with the same records"),
        (WriteConcernError("secret", 100), StoreUnavailable, "here could not commit"),
        (failure(9999, TRANSIENT), StoreUnavailable, "here could not commit"),
        (failure(9999, UNKNOWN), StoreUnavailable, "here could not commit"),
        (failure(9), StoreError, "here refused a command: code 9"),
        (failure(None), StoreError, "here refused a command: code None"),
        (ConfigurationError("secret"), StoreError, "here failed: ConfigurationError"),
        (InvalidDocument("too deep"), BadValue, "a value cannot be stored: too deep"),
        (OverflowError("too large"), BadValue, "a value cannot be stored: too large"),
    ],
)
def test_an_error_of_the_driver_is_told_by_kind(error: Exception, kind: type[StoreError], text: str) -> None:
    told = mapped(error, "here")
    assert (type(told), str(told)) == (kind, text)


def test_the_stores_own_errors_and_bugs_stay_themselves() -> None:
    for error in (NotFound("chat", "1"), ZeroDivisionError()):
        assert mapped(error, "here") is error


@pytest.mark.parametrize(
    ("error", "is_worth_it"),
    [
        (failure(112, TRANSIENT), True),
        (AutoReconnect("lost"), False),
        (DuplicateKeyError("taken", DUPLICATE_KEY), True),
        (bulk(DUPLICATE_KEY), True),
        (failure(9), False),
        (ServerSelectionTimeoutError("nobody"), False),
    ],
)
def test_a_transaction_is_tried_again_if_it_may_succeed_then(error: PyMongoError, is_worth_it: bool) -> None:
    assert may_try_transaction_again(error) is is_worth_it


@pytest.mark.parametrize(
    ("error", "is_own"),
    [
        (failure(9), True),
        (bulk(9), True),
        (failure(112), False),
        (failure(9, TRANSIENT), False),
        (AutoReconnect(), False),
    ],
)
def test_a_write_is_blamed_for_what_its_command_said(error: PyMongoError, is_own: bool) -> None:
    assert is_own_fault(error) is is_own


def test_a_read_is_tried_again_while_collections_are_being_made() -> None:
    assert may_read_again(failure(SNAPSHOT_UNAVAILABLE))
    assert not may_read_again(failure(112))
    assert not may_read_again(AutoReconnect())
