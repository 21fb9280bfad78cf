"""Which coding a client gets, and that it can undo it."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock.http.content_coding import Coding, choose_coding, compress, encode_body, parse_accept_encoding

VARY = (b"vary", b"Accept-Encoding")


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, None),
        (b"", None),
        (b"identity", None),
        (b"br", None),
        (b"gzip", "gzip"),
        (b"deflate", "deflate"),
        (b"GZip", "gzip"),
        (b"x-gzip", "gzip"),
        (b"gzip, deflate, br, zstd", "gzip"),
        (b"deflate, gzip", "gzip"),
        (b"deflate, gzip;q=0.9", "deflate"),
        (b"deflate;q=0.5, gzip;q=0.4", "deflate"),
        (b" gzip ; q=0.5 ,\tdeflate ; q = 0.4 ", "gzip"),
        (b"gzip;q=0", None),
        (b"gzip;q=0.000, deflate;q=0", None),
        (b"*", "gzip"),
        (b"*;q=0", None),
        (b"*, gzip;q=0", "deflate"),
        (b"gzip;q=0, deflate;q=0, *", None),
        (b"gzip;q=0.5, identity;q=0.8", None),
        (b"gzip;q=0.5, identity;q=0.5", None),
        (b"gzip;q=0.5, identity;q=0", "gzip"),
        (b"identity;q=0", None),
        (b"br;q=1, identity;q=0", None),
        (b",,gzip,", "gzip"),
        (b"gzip;q=1.5", None),
        (b"gzip;q=-1", None),
        (b"gzip;q=", None),
        (b"gzip;q=nan", None),
        (b"gzip;q=.", None),
        (b"gzip;level=1", None),
        (b"gzip;q=\xb2", None),
        (b"gzip;q=1.", "gzip"),
        (b"gzip;", "gzip"),
    ],
)
def test_the_client_s_preference_decides(accept_encoding: bytes | None, coding: Coding | None) -> None:
    assert choose_coding(accept_encoding) == coding


@given(st.binary(max_size=60) | st.text("gzipdeflate*;q=01.,- ").map(str.encode))
def test_any_header_gives_weights_between_0_and_1(value: bytes) -> None:
    assert all(0 <= weight <= 1 for weight in parse_accept_encoding(value).values())
    assert choose_coding(value) in ("gzip", "deflate", None)


@given(st.binary())
def test_a_compressed_body_comes_back(body: bytes) -> None:
    assert gzip.decompress(compress(body, "gzip")) == body
    assert zlib.decompress(compress(body, "deflate")) == body
    assert compress(body, "gzip") == compress(body, "gzip")


def test_a_body_of_the_threshold_is_compressed() -> None:
    encoded = encode_body(b"a" * 1024, b"deflate", 1024)
    assert zlib.decompress(encoded.body) == b"a" * 1024
    assert encoded.headers == ((b"content-encoding", b"deflate"), VARY)


def test_a_body_below_the_threshold_is_left_alone() -> None:
    encoded = encode_body(b"a" * 1023, b"gzip", 1024)
    assert (encoded.body, encoded.headers) == (b"a" * 1023, ())


def test_a_body_that_nobody_wants_compressed_still_varies() -> None:
    encoded = encode_body(b"a" * 1024, None, 1024)
    assert (encoded.body, encoded.headers) == (b"a" * 1024, (VARY,))


def test_a_body_that_would_grow_is_left_alone() -> None:
    encoded = encode_body(b"abc", b"gzip", 1)
    assert (encoded.body, encoded.headers) == (b"abc", (VARY,))
