"""The only way to make a query's filter: every value is checked to be a scalar, so that none is read as an operator.

An object such as `{"$gt": ""}` where a name belongs would match everything. The records' types forbid it, but nothing
checks them at run time before this.
"""

from collections.abc import Iterable
from typing import TypeAlias

from slysock_store.errors import BadValue

from .documents import Document

Scalar: TypeAlias = str | int | None

LARGEST_INTEGER = 2**63 - 1


def scalar(value: Scalar) -> Scalar:
    """Return the value if it is a scalar that BSON can hold.

    Raises:
        BadValue: it is not.
    """
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise BadValue("an integer is out of range")
    elif value is not None:
        raise BadValue(f"expected a scalar, not {type(value).__name__}")
    return value


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeError as error:
        raise BadValue(f"a value cannot be stored: {error}") from error


def is_text(value: object) -> bool:
    """Tell whether a value may be a name in a filter."""
    try:
        return isinstance(value, str) and scalar(value) == value
    except BadValue:
        return False


def where(**fields: Scalar) -> Document:
    """Make a filter of fields that equal these values."""
    return {name: scalar(value) for name, value in fields.items()}


def one_of(values: Iterable[Scalar]) -> Document:
    """Make the condition that a field equals one of these values."""
    return {"$in": [scalar(value) for value in values]}


def between(first: int, last: int) -> Document:
    """Make the condition that a field lies within these bounds, both included."""
    return {"$gte": scalar(first), "$lte": scalar(last)}
