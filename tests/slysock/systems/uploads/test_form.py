"""Forms taken apart piece by piece, however the pieces are cut."""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from slysock.systems.uploads import BadForm, FileTooLarge, UploadError
from slysock.systems.uploads.form import FormLimits, read_form

LIMITS = FormLimits(file_field="media", max_file_bytes=1000)
FORM = (
    b"preamble\r\n--x\r\n"
    b'Content-Disposition: form-data; name="content"\r\n\r\nhello\r\n--x\r\n'
    b'Content-Disposition: form-data; name="media"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
    b"\r\n--y\r\n-file\r\n--x-\r\n--x--\r\nepilogue"
).replace(b"--x-\r\n", b"--z-\r\n")
FILE = b"\r\n--y\r\n-file\r\n--z-"


class Pieces(AsyncIterator[bytes]):
    """A body piece by piece; no generator, which would have to be closed where it is not read to its end."""

    def __init__(self, body: bytes, size: int) -> None:
        self._pieces = (body[start : start + size] for start in range(0, len(body), size))
        self.read_bytes = 0

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        piece = next(self._pieces, None)
        if piece is None:
            raise StopAsyncIteration
        self.read_bytes += len(piece)
        return piece


def pieces(body: bytes, size: int) -> Pieces:
    return Pieces(body, size)


async def read(body: bytes, size: int = 7, boundary: str = "x") -> tuple[dict[str, str], bytes, int]:
    taken = bytearray()
    ends = 0

    async def take(data: bytes) -> None:
        nonlocal ends
        await trio.lowlevel.checkpoint()
        taken.extend(data)
        ends += not data

    fields = await read_form(pieces(body, size), boundary, LIMITS, take)
    return dict(fields), bytes(taken), ends


@pytest.mark.parametrize("size", [*range(1, 40), 1000])
async def test_a_form_reads_the_same_however_it_is_cut(size: int) -> None:
    assert await read(FORM, size) == ({"content": "hello"}, FILE, 1)


async def test_a_form_that_ends_anywhere_before_its_end_is_none() -> None:
    end = FORM.index(b"--x--") + 5
    for length in range(end):
        with pytest.raises(UploadError):
            await read(FORM[:length], 64)


def part(name: str, value: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"


def bad_forms() -> Iterator[bytes]:
    file = part("media", b"f")
    yield b""
    yield b"--x--\r\n"
    yield part("content", b"c") + b"--x--"
    yield file + file + b"--x--"
    yield file + part("content", b"c" * 8193) + b"--x--"
    yield file + part("content", b"\xff") + b"--x--"
    yield file + part("a", b"") * 10 + b"--x--"
    yield b"--x\r\nContent-Type: text/plain\r\n\r\nx\r\n--x--"
    yield b"--x\r\nContent-Disposition: attachment; name=media\r\n\r\nx\r\n--x--"
    yield b"--x\r\n" + b"A: b\r\n" * 9 + b"\r\nx\r\n--x--"
    yield b"--x\r\nA: " + b"b" * 5000 + b"\r\n\r\nx\r\n--x--"
    yield b"--x\nContent-Disposition: form-data; name=media\n\nx\n--x--"
    yield file + b"--xx"


@pytest.mark.parametrize("body", list(bad_forms()))
async def test_a_form_that_is_not_as_it_should_be_is_refused(body: bytes) -> None:
    with pytest.raises(BadForm):
        await read(body)


@pytest.mark.parametrize("boundary", ["", "b" * 71, "\N{DOG FACE}"])
async def test_a_boundary_that_no_form_has_is_refused(boundary: str) -> None:
    with pytest.raises(BadForm):
        await read(FORM, boundary=boundary)


async def test_of_a_file_that_is_too_large_no_more_than_allowed_is_taken() -> None:
    taken = bytearray()

    async def take(data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        taken.extend(data)

    body = part("media", b"f" * 1001) + b"--x--"
    with pytest.raises(FileTooLarge):
        await read_form(pieces(body, 100), "x", LIMITS, take)
    assert len(taken) <= 1000
    assert await read(part("media", b"f" * 1000) + b"--x--") == ({}, b"f" * 1000, 1)


async def test_a_body_without_a_form_is_not_read_to_its_end() -> None:
    async def take(data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise AssertionError("there is no file in it")

    body = pieces(bytes(1_000_000), 16384)
    with pytest.raises(FileTooLarge):
        await read_form(body, "x", LIMITS, take)
    assert body.read_bytes < LIMITS.max_body_bytes + 2 * 16384


async def test_of_two_fields_with_one_name_the_first_counts() -> None:
    fields, _, _ = await read(part("a", b"1") + part("a", b"2") + part("media", b"f") + b"--x--")
    assert fields == {"a": "1"}
