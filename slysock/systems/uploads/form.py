"""A form with one file, parsed as it comes: nothing of the file is kept here.

Sans-I/O except for what it is given: an iterator over the pieces of the body, and a function for those of the file.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, TypeAlias, final

from msgspec import Struct

# Without type information of its own; `_events` below says what comes out of it.
from multipart import (  # type: ignore[import-untyped]  # no py.typed in the distribution
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

from .errors import BadForm, FileTooLarge, UploadError

MAX_FIELDS: Final = 10
MAX_FIELD_BYTES: Final = 8192
"""A caption of 1000 characters takes 4000 bytes."""

MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 4096

MAX_OVERHEAD_BYTES: Final = 131_072
"""What a body may hold besides its file: boundaries, headers, small fields. A larger one is not a form of ours."""

MAX_BOUNDARY_CHARACTERS: Final = 70
"""RFC 2046, section 5.1.1."""

TakeFile: TypeAlias = Callable[[bytes], Awaitable[None]]


@final
class FormLimits(Struct, frozen=True, kw_only=True):
    """What a form may hold."""

    file_field: str
    """The name of the field with the file."""

    max_file_bytes: int

    @property
    def max_body_bytes(self) -> int:
        """The size of the largest body that could be such a form."""
        return self.max_file_bytes + MAX_OVERHEAD_BYTES


async def read_form(
    body: AsyncIterator[bytes], boundary: str, limits: FormLimits, take_file: TakeFile
) -> Mapping[str, str]:
    """Read a form; its file goes piece by piece to `take_file`, in order.

    Args:
        body: the pieces of the request's body.
        boundary: from its Content-Type.
        limits: what it may hold.
        take_file: called with each piece, and once with `b""` when the file has ended.

    Returns:
        The small fields, by name; of two with one name, the first.

    Raises:
        BadForm: it is not a form, or has no file, or several.
        FileTooLarge: the file is larger than allowed; the rest is not read.
    """
    if not 1 <= len(boundary) <= MAX_BOUNDARY_CHARACTERS or not boundary.isascii():
        raise BadForm("The form has no usable boundary")
    reader = _FormReader(boundary, limits, take_file)
    async for piece in body:
        if piece:
            await reader.feed(piece)
    return reader.finish()


@final
class _FormReader:
    """The form so far."""

    def __init__(self, boundary: str, limits: FormLimits, take_file: TakeFile) -> None:
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=MAX_HEADER_BYTES,
            max_header_count=MAX_HEADERS,
            max_segment_count=MAX_FIELDS,
        )
        self._limits = limits
        self._take_file = take_file
        self._fields: dict[str, str] = {}
        self._name = ""  # of the part that is being read
        self._value = bytearray()  # its value so far, unless it is the file
        self._file_bytes = 0
        self._body_bytes = 0
        self._has_file = False

    async def feed(self, piece: bytes) -> None:
        self._body_bytes += len(piece)
        if self._body_bytes > self._limits.max_body_bytes:
            raise FileTooLarge(self._limits.max_file_bytes)
        try:
            for event in self._parser.parse(piece):
                await self._take(event)
        except MultipartError as error:
            raise _bad_form(error) from error

    def finish(self) -> Mapping[str, str]:
        try:
            self._parser.close()
        except MultipartError as error:
            raise _bad_form(error) from error
        if not self._has_file:
            raise BadForm(f"The form has no file in the field `{self._limits.file_field}`")
        return self._fields

    async def _take(self, event: object) -> None:
        if event is None:
            await self._end_part()
        elif isinstance(event, MultipartSegment):
            self._begin_part(str(event.name))
        elif isinstance(event, bytes | bytearray):
            await self._take_data(bytes(event))

    def _begin_part(self, name: str) -> None:
        self._name = name
        self._value.clear()
        if self._is_file and self._has_file:
            raise BadForm("The form has more than one file")
        self._has_file = self._has_file or self._is_file

    @property
    def _is_file(self) -> bool:
        return self._name == self._limits.file_field

    async def _take_data(self, data: bytes) -> None:
        if not self._is_file:
            self._value += data
            if len(self._value) > MAX_FIELD_BYTES:
                raise BadForm(f"The field `{self._name[:64]}` is too long")
            return
        self._file_bytes += len(data)
        if self._file_bytes > self._limits.max_file_bytes:
            raise FileTooLarge(self._limits.max_file_bytes)
        await self._take_file(data)

    async def _end_part(self) -> None:
        if self._is_file:
            await self._take_file(b"")
            return
        try:
            self._fields.setdefault(self._name, self._value.decode())
        except UnicodeDecodeError:
            raise BadForm(f"The field `{self._name[:64]}` is not UTF-8") from None


def _bad_form(error: Exception) -> UploadError:
    if isinstance(error, ParserLimitReached):
        return BadForm("The form has too many parts, or too many headers")
    return BadForm("The body is not a complete form of the type multipart/form-data")
