"""Null in an optional field means the same as leaving it out. Clients whose language has no absent fields send it."""

from functools import cache
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields, force_setattr

T = TypeVar("T")

if TYPE_CHECKING:
    OrDefault: TypeAlias = Annotated[T, "null is the default"]
    """The type of a field with a default other than null, in a struct that calls `fill_nulls`: it never holds null."""
else:
    OrDefault = T | None  # what msgspec lets in


def fill_nulls(payload: Struct) -> None:
    """Put defaults in place of nulls. Call this first in `__post_init__` of a struct with `OrDefault` fields."""
    for field in _with_default(type(payload)):
        if getattr(payload, field.name) is None:
            is_made = field.default_factory is not NODEFAULT
            force_setattr(payload, field.name, field.default_factory() if is_made else field.default)


@cache
def _with_default(payload: type[Struct]) -> tuple[FieldInfo, ...]:
    """Return the fields that have a default other than null."""
    return tuple(field for field in fields(payload) if not field.required and field.default is not None)
