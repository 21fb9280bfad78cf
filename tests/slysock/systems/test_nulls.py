"""Null in a field that may be left out is the same as left out, in every payload of every system."""

from contextlib import suppress

import msgspec
import pytest
from msgspec import inspect as types

from slysock.systems.nulls import OrDefault, fill_nulls
from tests.slysock.systems.registered import PAYLOADS, example_of


class Invitation(msgspec.Struct):
    guests: OrDefault[list[str]] = msgspec.field(default_factory=list[str])
    seats: OrDefault[int] = 4

    def __post_init__(self) -> None:
        fill_nulls(self)


def described(struct: type[msgspec.Struct]) -> types.StructType:
    found = types.type_info(struct)
    assert isinstance(found, types.StructType)
    return found


def optional_fields(struct: type[msgspec.Struct]) -> list[types.Field]:
    return [field for field in described(struct).fields if not field.required]


def least_of(payload: type[msgspec.Struct]) -> dict[str, object]:
    """Make up what has to be sent: what is required, and one thing more where one of several is."""
    required = {field.encode_name: example_of(field.type) for field in described(payload).fields if field.required}
    more = [{field.encode_name: example_of(field.type)} for field in optional_fields(payload)]
    for body in ({}, *more):
        with suppress(msgspec.ValidationError):
            msgspec.convert({**required, **body}, payload)
            return {**required, **body}
    raise AssertionError(f"no example fits {payload}")


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_field_that_may_be_left_out_may_be_null(payload: type[msgspec.Struct]) -> None:
    for field in optional_fields(payload):
        members = field.type.types if isinstance(field.type, types.UnionType) else (field.type,)
        assert any(isinstance(member, types.NoneType | types.AnyType | types.CustomType) for member in members), field


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_null_is_the_default(payload: type[msgspec.Struct]) -> None:
    least = least_of(payload)
    nulls = {field.encode_name: None for field in optional_fields(payload)}
    encoded = msgspec.json.encode({**nulls, **least})
    assert msgspec.json.decode(encoded, type=payload) == msgspec.convert(least, payload)


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = (msgspec.convert({"guests": None, "seats": None}, Invitation) for _ in range(2))
    assert one == other == Invitation([], 4)
    assert one.guests is not other.guests


def test_what_was_sent_stays() -> None:
    assert msgspec.convert({"guests": ["a"], "seats": 0}, Invitation) == Invitation(["a"], 0)
