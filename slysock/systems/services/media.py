"""Media in messages: files that were uploaded elsewhere.

The document gives them no shape, so what a sender says about a file is kept as it comes, within bounds. What a browser
would run instead of show is refused.
"""

import re
from typing import Annotated, Final, TypeAlias, cast, final

import msgspec
from msgspec import Meta, Struct

from slysock.systems.ids import MAX_INTEGER
from slysock_store import Json, JsonObject

MAX_FIELDS: Final = 40
"""Twice as many as in the answers of upload services, which clients pass on whole."""

MAX_BYTES: Final = 8_192
"""The size of one media as JSON; ten of them are far below the limit of a message."""

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_IGNORED: Final = re.compile(r"[\x00-\x20\x7f-\x9f]+")  # what browsers overlook in or before a scheme, and more
_ACTIVE: Final = re.compile(r"(?:javascript|vbscript):|data:[^,]*(?:html|xml)", re.IGNORECASE)

Address: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=2048, description="The address of a file; may be relative, or contain blanks")
]
MediaFields: TypeAlias = Annotated[
    dict[str, object],
    Meta(
        description="A file that was uploaded elsewhere: its `url` and, optionally, `publicId`, `name`, `type`, "
        "`mimeType`, `size` in bytes, and any other fields that are texts, numbers or booleans"
    ),
]


@final
class _Known(Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields that have a meaning here; null is the same as left out."""

    url: Address
    public_id: Annotated[str, Meta(max_length=256)] | None = None
    name: Annotated[str, Meta(max_length=256)] | None = None
    type: Annotated[str, Meta(max_length=100)] | None = None
    mime_type: Annotated[str, Meta(max_length=100)] | None = None
    size: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] | Annotated[str, Meta(max_length=32)] | None = None


def attachment_of(media: MediaFields | str) -> JsonObject:
    """Return media as the store keeps it: its texts, numbers and booleans.

    Raises:
        ValueError: there is no usable address, or too much beside it.
        msgspec.ValidationError: a field has the wrong type.
    """
    fields = {"url": media} if isinstance(media, str) else media
    known = msgspec.convert(fields, _Known)
    if _CONTROLS.search(known.url):
        raise ValueError("Expected a `url` without control characters")
    kept = {name: value for name, value in fields.items() if isinstance(value, str | int | float)}
    if any(_is_active(value) for value in kept.values()):
        raise ValueError("Expected media that are addresses of files, not programs")
    if len(kept) > MAX_FIELDS or len(msgspec.json.encode(kept)) > MAX_BYTES:
        raise ValueError(f"Expected at most {MAX_FIELDS} fields and {MAX_BYTES} bytes in each media")
    return cast("dict[str, Json]", kept)


def _is_active(value: object) -> bool:
    return isinstance(value, str) and _ACTIVE.match(_IGNORED.sub("", value)) is not None
