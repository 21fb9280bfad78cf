"""The names that the server answers under."""

import pytest

from slysock.http.hosts import AllowedHosts, host_name
from tests.slysock.http.peer import arrived

LISTED = ["shop.example", "*.Chat.example", "192.0.2.1", "[::1]"]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (b"shop.example", True),
        (b"SHOP.Example:8443", True),
        (b"shop.example.", True),
        (b"a.chat.example", True),
        (b"a.b.chat.example:80", True),
        (b"192.0.2.1:3000", True),
        (b"[::1]:3000", True),
        (b"chat.example", False),
        (b".chat.example", False),
        (b"evilchat.example", False),
        (b"shop.example.evil.example", False),
        (b"evil.example", False),
        (b"192.0.2.2", False),
        (b"", False),
    ],
)
async def test_only_listed_names_are_answered_under_whatever_their_case_and_port(host: bytes, allowed: bool) -> None:
    _, _, request = await arrived(b"GET / HTTP/1.1\r\nhost: " + host + b"\r\n\r\n")
    assert AllowedHosts(LISTED).allows(request) is allowed
    assert AllowedHosts(None).allows(request)
    assert not AllowedHosts([]).allows(request)


async def test_a_request_without_a_host_names_nobody() -> None:
    _, _, request = await arrived(b"GET / HTTP/1.0\r\n\r\n")
    assert not AllowedHosts(LISTED).allows(request)
    assert AllowedHosts(None).allows(request)


@pytest.mark.parametrize(
    ("host", "name"), [(b"A.b:1", "a.b"), (b"[::1]:2", "[::1]"), (b"[::1", ""), (b"a.", "a"), (b":80", "")]
)
def test_the_name_in_a_host_has_no_port(host: bytes, name: str) -> None:
    assert host_name(host) == name
