"""The opening handshake, by the example of RFC 6455, section 1.3."""

import pytest

from slysock_protocol.websocket import first_subprotocol, is_key, switching_protocols

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def test_the_example_of_the_standard_is_accepted() -> None:
    head, *lines = switching_protocols(KEY).split(b"\r\n")
    assert head == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert lines[-2:] == [b"", b""]


def test_a_subprotocol_is_answered() -> None:
    lines = switching_protocols(KEY, b"chat").split(b"\r\n")
    assert b"Sec-WebSocket-Protocol: chat" in lines
    assert lines[-2:] == [b"", b""]
    assert b"Protocol:" not in switching_protocols(KEY)


@pytest.mark.parametrize(
    ("offered", "first"),
    [
        (None, None),
        (b"", None),
        (b"chat", b"chat"),
        (b" v1.chat , v2.chat", b"v1.chat"),
        (b",chat", None),
        (b"two words", None),
        (b"a:b, c", None),
    ],
)
def test_the_first_subprotocol_is_chosen_if_it_is_one(offered: bytes | None, first: bytes | None) -> None:
    assert first_subprotocol(offered) == first


@pytest.mark.parametrize(
    ("key", "good"),
    [(KEY, True), (b"", False), (b"AAAA", False), (KEY + b"AAAA", False), (b"not base64!", False), (KEY[:-1], False)],
)
def test_a_key_is_sixteen_bytes_in_base64(key: bytes, good: bool) -> None:
    assert is_key(key) is good
