"""Nothing but scalars gets into a filter."""

from typing import cast

import pytest

from slysock_store import BadValue
from slysock_store.mongo.filters import LARGEST_INTEGER, Scalar, between, is_text, one_of, scalar, where

OPERATOR = cast("str", {"$gt": ""})


@pytest.mark.parametrize("value", ["", "$gt", "a.b\x00", 0, True, LARGEST_INTEGER, -LARGEST_INTEGER, None])
def test_a_scalar_is_itself(value: Scalar) -> None:
    assert scalar(value) is value


@pytest.mark.parametrize("value", [OPERATOR, ["a"], b"a", 1.5, "\ud800", 2**63, -(2**63)])
def test_anything_else_is_refused_wherever_it_stands(value: Scalar) -> None:
    for attempt in (scalar, lambda found: where(key=found), lambda found: one_of(["a", found])):
        with pytest.raises(BadValue):
            attempt(value)


def test_filters_are_what_the_server_takes() -> None:
    assert where(system="s", number=1) == {"system": "s", "number": 1}
    assert one_of(("a", "b")) == {"$in": ["a", "b"]}
    assert between(1, 3) == {"$gte": 1, "$lte": 3}
    with pytest.raises(BadValue, match="out of range"):
        between(0, 2**63)


def test_a_name_is_text_that_can_be_kept() -> None:
    assert is_text("a")
    assert not any(map(is_text, (1, None, OPERATOR, "\ud800")))
