"""Where in what was to be sent the piece is that cannot be: for the one line that its sender reads."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Final, cast

import msgspec

from slysock_protocol.errors import LocalProtocolError

MAX_DEPTH: Final = 64
MAX_KEY_CHARACTERS: Final = 40


def placed(
    error: LocalProtocolError, values: Sequence[object], encode: Callable[[object], object]
) -> LocalProtocolError:
    """Return an error that names the place, as msgspec writes it: `$[0].when.zone` is in the first of the values.

    Args:
        error: that they cannot be sent.
        values: the arguments of an event, or the values of an acknowledgement.
        encode: raises LocalProtocolError for what cannot be sent.
    """
    place = "".join(_steps(values, encode))
    return LocalProtocolError(f"{error} - at `${place}`") if place else error


def _steps(value: object, encode: Callable[[object], object]) -> Iterable[str]:
    """Go down to the first piece that cannot be sent although all its own pieces can."""
    for _ in range(MAX_DEPTH):
        for step, child in _children(value):
            try:
                encode(child)
            except LocalProtocolError:
                yield step
                value = child
                break
        else:
            return


def _children(value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        return [(_key(key), child) for key, child in cast("dict[object, object]", value).items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{index}]", child) for index, child in enumerate(cast("Iterable[object]", value))]
    if isinstance(value, msgspec.Struct):
        return [(f".{name}", getattr(value, name)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value):
        return [(f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)]
    return ()


def _key(key: object) -> str:
    if isinstance(key, str) and key.isidentifier() and len(key) <= MAX_KEY_CHARACTERS:
        return f".{key}"
    return f"[{repr(key)[:MAX_KEY_CHARACTERS]}]"
