"""JSON values as text, for backends that store them as such: what goes in comes out, whatever the names and numbers."""

import msgspec

from .errors import BadValue
from .models import Json, JsonObject


def encode(value: Json) -> str:
    """Write a JSON value as text.

    Raises:
        BadValue: it is not JSON, or holds text that is not Unicode.
    """
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise BadValue(f"a value is not JSON: {error}") from error


def decode(text: str) -> Json:
    """Read what `encode` wrote."""
    value: Json = msgspec.json.decode(text)
    return value


def decode_object(text: str) -> JsonObject:
    """Read what `encode` wrote for an object."""
    if text == "{}":
        return {}
    value: JsonObject = msgspec.json.decode(text)
    return value


def decode_objects(text: str) -> tuple[JsonObject, ...]:
    """Read what `encode` wrote for a list of objects."""
    if text == "[]":
        return ()
    value: list[JsonObject] = msgspec.json.decode(text)
    return tuple(value)
