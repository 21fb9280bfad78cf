"""JSON and paging at the border of SQL."""

from collections.abc import Sequence
from typing import Final

import msgspec

from slysock_store.json_text import decode, decode_object, decode_objects, encode
from slysock_store.models import JsonObject, Reaction, UserKey

__all__ = [
    "NOTHING",
    "decode",
    "decode_object",
    "decode_objects",
    "decode_reactions",
    "decode_users",
    "encode",
    "encode_object",
    "encode_objects",
    "encode_reactions",
    "keys",
]

NOTHING: Final = "[]"
"""The empty list: the attachments of most messages, and at first the reactions to all."""

_NO_FIELDS: Final = "{}"


def encode_objects(values: Sequence[JsonObject]) -> str:
    """Write a list of objects as the text of a column."""
    return encode(values) if values else NOTHING


def encode_object(value: JsonObject) -> str:
    """Write an object as the text of a column."""
    return encode(value) if value else _NO_FIELDS


def encode_reactions(reactions: Sequence[Reaction]) -> str:
    """Write reactions as the text of a column: a list of pairs of user key and emoji."""
    return encode([[reaction.user, reaction.emoji] for reaction in reactions])


def decode_reactions(text: str) -> tuple[Reaction, ...]:
    """Read the text of a column that holds reactions."""
    if text == NOTHING:
        return ()
    pairs: list[tuple[str, str]] = msgspec.json.decode(text)
    return tuple(Reaction(user=UserKey(user), emoji=emoji) for user, emoji in pairs)


def decode_users(text: str) -> tuple[UserKey, ...]:
    """Read the text of a column that holds a list of user keys."""
    return tuple(UserKey(user) for user in msgspec.json.decode(text, type=list[str]))


def keys(values: Sequence[str]) -> str:
    """Write names as a list: a column, or the one parameter of `IN (SELECT value FROM json_each(?))`."""
    return encode(list(values))
