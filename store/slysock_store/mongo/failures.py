"""The one place where errors of the driver become ours, and which decides what may be retried."""

import msgspec
from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from slysock_store.errors import BadValue, StoreError, StoreFull, StoreUnavailable

TRANSIENT = "TransientTransactionError"
"""Label: nothing was written, the whole transaction may be retried."""
UNKNOWN = "UnknownTransactionCommitResult"
"""Label: the commit may have happened; it may be repeated."""

DUPLICATE_KEY = 11000
OUT_OF_DISK_SPACE = 14031
SNAPSHOT_UNAVAILABLE = 246

# Code -> what to tell the operator, after the name of the database. mongo/base/error_codes.yml of the server.
WORLD_FAILURES = {
    6: "cannot be reached",  # HostUnreachable
    7: "cannot be reached",  # HostNotFound
    13: "does not allow this user to do that",  # Unauthorized
    18: "refused the name and password",  # AuthenticationFailed
    24: "is locked",  # LockTimeout
    50: "did not answer in time",  # MaxTimeMSExpired
    64: "could not write to a majority of its members",  # WriteConcernFailed
    89: "did not answer in time",  # NetworkTimeout
    91: "is shutting down",  # ShutdownInProgress
    112: "is busy with the same records",  # WriteConflict
    133: "has no primary",  # FailedToSatisfyReadPreference
    189: "has no primary",  # PrimarySteppedDown
    239: "is busy",  # SnapshotTooOld
    246: "is busy",  # SnapshotUnavailable
    251: "aborted the transaction",  # NoSuchTransaction
    262: "did not answer in time",  # ExceededTimeLimit
    290: "aborted the transaction",  # TransactionExceededLifetimeLimitSeconds
    8000: "refused the name and password",  # AtlasError
    10107: "has no primary",  # NotWritablePrimary
    11600: "is shutting down",  # InterruptedAtShutdown
    11602: "has no primary",  # InterruptedDueToReplStateChange
    13388: "is being changed",  # StaleConfig
    13435: "has no primary",  # NotPrimaryNoSecondaryOk
    13436: "has no primary",  # NotPrimaryOrSecondary
    OUT_OF_DISK_SPACE: "cannot grow (disk full)",
    DUPLICATE_KEY: "is busy with the same records",
}


def mapped(error: Exception, where: str) -> Exception:
    """Return the store's error for one of the driver's or one about a value; anything else is a bug, returned as it is.

    The texts hold no values of documents, unlike the server's own. The caller raises the error `from` the original.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, BSONError | UnicodeError | OverflowError):
        return BadValue(f"a value cannot be stored: {error}")
    if isinstance(error, ExecutionTimeout | WTimeoutError):
        return StoreUnavailable(f"{where} did not answer in time")
    if isinstance(error, OperationFailure):
        return _mapped_failure(error, where)
    if isinstance(error, ConnectionFailure):
        return StoreUnavailable(f"{where} cannot be reached")
    if isinstance(error, PyMongoError):
        return StoreError(f"{where} failed: {type(error).__name__}")
    return error


def _mapped_failure(error: OperationFailure, where: str) -> StoreError:
    known = WORLD_FAILURES.keys() & codes_of(error)
    if OUT_OF_DISK_SPACE in known:
        return StoreFull(f"{where} {WORLD_FAILURES[OUT_OF_DISK_SPACE]}")
    if known:
        return StoreUnavailable(f"{where} {WORLD_FAILURES[min(known)]}")
    if isinstance(error, WriteConcernError) or error.has_error_label(TRANSIENT) or error.has_error_label(UNKNOWN):
        return StoreUnavailable(f"{where} could not commit")
    return StoreError(f"{where} refused a command: code {error.code}")


def codes_of(error: OperationFailure) -> set[int]:
    """Return every code that a failure carries; a bulk write has one per write that failed."""
    codes = {0 if error.code is None else error.code}
    if isinstance(error, BulkWriteError):
        codes.update(_write_codes(error))
    return codes


class WriteFailure(msgspec.Struct, frozen=True):
    """One of `writeErrors` in the details of a bulk write."""

    code: int


class BulkFailure(msgspec.Struct, frozen=True):
    """The details of a bulk write."""

    write_errors: tuple[WriteFailure, ...] = msgspec.field(name="writeErrors", default=())


def _write_codes(error: BulkWriteError) -> set[int]:
    return {failure.code for failure in msgspec.convert(error.details, BulkFailure).write_errors}


def may_try_transaction_again(error: PyMongoError) -> bool:
    """Tell whether a transaction that failed with this error may be retried from its beginning.

    A duplicate key is a race with another process that made the same record: the next attempt finds it. If no server
    was found, another attempt would only wait as long again.
    """
    if isinstance(error, ServerSelectionTimeoutError):
        return False
    if isinstance(error, OperationFailure) and DUPLICATE_KEY in codes_of(error):
        return True
    return error.has_error_label(TRANSIENT)


def is_own_fault(error: PyMongoError) -> bool:
    """Tell whether a command failed because of what it says, so that only the write that sent it is to blame."""
    return (
        isinstance(error, OperationFailure)
        and not WORLD_FAILURES.keys() & codes_of(error)
        and not error.has_error_label(TRANSIENT)
    )


def may_read_again(error: PyMongoError) -> bool:
    """Tell whether a read that failed with this error may succeed from a later snapshot: a collection was just made."""
    return isinstance(error, OperationFailure) and error.code == SNAPSHOT_UNAVAILABLE
