"""How a real client's failure reaches the test that waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

FAILSAFE_SECONDS = 15.0
"""A wait that takes so long has failed: this only tells a test that fails from one that hangs."""


class ClientError(AssertionError):
    """What a test waited for did not come, or a client ended early; says what was seen instead."""


@contextmanager
def raise_only() -> Iterator[None]:
    """Raise a failure itself where a nursery wraps it in a group of one, so that pytest shows the assertion."""
    failure: BaseException | None = None
    try:
        yield
    except BaseExceptionGroup as group:
        failure = group
        while isinstance(failure, BaseExceptionGroup) and len(failure.exceptions) == 1:
            failure = failure.exceptions[0]
    if failure is not None:
        context = failure.__context__
        try:
            raise failure
        finally:
            failure.__context__ = context  # otherwise the group would be shown as what came before
