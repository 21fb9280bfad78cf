"""What a store raises, in the domain's words."""

import pytest

import slysock_store
from slysock.systems.domain import Busy, Conflict, DomainError, Invalid, NotAllowed, NotFound, Unavailable
from slysock.systems.domain.errors import translated_store_errors


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (slysock_store.NotFound("chat", "1"), NotFound),
        (slysock_store.NotSender("m-1"), NotAllowed),
        (slysock_store.ChatBlocked("c-1"), Conflict),
        (slysock_store.WrongStatus("closed"), Conflict),
        (slysock_store.BadValue("/path/of/database"), Invalid),
        (slysock_store.StoreBusy("q-1"), Busy),
        (slysock_store.StoreUnavailable("/path/of/database"), Unavailable),
        (slysock_store.StoreClosed("x-1"), Unavailable),
    ],
)
def test_every_failure_of_a_store_has_a_text_of_ours(raised: Exception, expected: type[DomainError]) -> None:
    with pytest.raises(expected) as caught, translated_store_errors():
        raise raised
    assert str(raised) not in str(caught.value)
    assert caught.value.__cause__ is raised
