"""JSON and paging at the border of SQL."""

from collections.abc import Sequence

import msgspec

from slysock_store.errors import BadValue
from slysock_store.models import Json, JsonObject, Reaction, UserKey


def encode(value: Json) -> str:
    """Write a JSON value as the text of a column.

    Raises:
        BadValue: it is not JSON, or holds text that is not Unicode.
    """
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise BadValue(f"a value is not JSON: {error}") from error


def decode(text: str) -> Json:
    """Read the text of a column."""
    value: Json = msgspec.json.decode(text)
    return value


def decode_object(text: str) -> JsonObject:
    """Read the text of a column that holds an object."""
    value: JsonObject = msgspec.json.decode(text)
    return value


def decode_objects(text: str) -> tuple[JsonObject, ...]:
    """Read the text of a column that holds a list of objects."""
    value: list[JsonObject] = msgspec.json.decode(text)
    return tuple(value)


def encode_reactions(reactions: Sequence[Reaction]) -> str:
    """Write reactions as the text of a column: a list of pairs of user key and emoji."""
    return encode([[reaction.user, reaction.emoji] for reaction in reactions])


def decode_reactions(text: str) -> tuple[Reaction, ...]:
    """Read the text of a column that holds reactions."""
    pairs: list[tuple[str, str]] = msgspec.json.decode(text)
    return tuple(Reaction(user=UserKey(user), emoji=emoji) for user, emoji in pairs)


def keys(values: Sequence[str]) -> str:
    """Write names as the one parameter of `IN (SELECT value FROM json_each(?))`, which keeps statements constant."""
    return encode(list(values))
