"""JSON and paging at the border of SQL."""

from collections.abc import Sequence

import msgspec

from slysock_store.json_text import decode, decode_object, decode_objects, encode
from slysock_store.models import Reaction, UserKey

__all__ = ["decode", "decode_object", "decode_objects", "decode_reactions", "encode", "encode_reactions", "keys"]


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
