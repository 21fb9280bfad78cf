"""The opening handshake, by the example of RFC 6455, section 1.3."""

import pytest

from slysock_protocol.websocket import is_key, switching_protocols

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def test_the_example_of_the_standard_is_accepted() -> None:
    head, *lines = switching_protocols(KEY).split(b"\r\n")
    assert head == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert lines[-2:] == [b"", b""]


@pytest.mark.parametrize(
    ("key", "good"),
    [(KEY, True), (b"", False), (b"AAAA", False), (KEY + b"AAAA", False), (b"not base64!", False), (KEY[:-1], False)],
)
def test_a_key_is_sixteen_bytes_in_base64(key: bytes, good: bool) -> None:
    assert is_key(key) is good
