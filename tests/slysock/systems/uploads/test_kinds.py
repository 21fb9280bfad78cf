"""Files are what their first bytes say."""

import pytest

from slysock.systems.uploads import kind_of


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    size = 16 + 4 * len(compatible)
    return size.to_bytes(4, "big") + b"ftyp" + major + bytes(4) + b"".join(compatible) + bytes(64)


WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04"
LONG_WEBM = b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\x82\x01\x00\x00\x00\x00\x00\x00\x04webm"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\xff\xd8\xff\xe1\x00\x10Exif", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
        (b"GIF87a\x01\x00", "image/gif"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (ftyp(b"heic", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"mif1", b"mif1", b"avif"), "image/avif"),
        (ftyp(b"mif1"), "image/heif"),
        (ftyp(b"avif", b"mif1", b"miaf"), "image/avif"),
        (ftyp(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
        (ftyp(b"mp42", b"mp41", b"isom"), "video/mp4"),
        (ftyp(b"M4V ", b"M4V ", b"mp42"), "video/mp4"),
        (ftyp(b"XXXX", b"isom"), "video/mp4"),
        (ftyp(b"qt  ", b"qt  "), "video/quicktime"),
        (ftyp(b"3gp4", b"3gp4"), "video/3gpp"),
        (b"\x00\x00\x00\x6cmoov\x00\x00\x00\x6cmvhd", "video/quicktime"),
        (WEBM, "video/webm"),
        (LONG_WEBM, "video/webm"),
        (WEBM.replace(b"\x84webm", b"\x88matroska"), "video/x-matroska"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "video/x-msvideo"),
    ],
)
def test_the_kinds_that_are_taken(head: bytes, mime: str) -> None:
    kind = kind_of(head)
    assert kind is not None
    assert kind.mime == mime
    assert kind.mime.startswith(kind.type)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a",
        b"\x89PNG\n\x1a\n",
        b"GIF88a",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"RIFF",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><svg>",
        b"<!DOCTYPE html>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"MZ\x90\x00",
        b"\x7fELF",
        b"#!/bin/sh",
        b"ID3\x04\x00",
        b"OggS\x00",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
        b"\x1aE\xdf\xa3\x9fB\x82\x84evil" + bytes(40) + b"webm",
        b"\x00\x00\x00\x20ftyp",
        ftyp(b"M4A ", b"M4A ", b"mp42", b"isom"),
        ftyp(b"XXXX", b"YYYY"),
        ftyp(b"XXXX") + b"isom",
        b" \x89PNG\r\n\x1a\n",
    ],
)
def test_everything_else_is_nothing(head: bytes) -> None:
    assert kind_of(head) is None
