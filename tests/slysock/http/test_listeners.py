"""Listening sockets: what can be had, what cannot, and an accept loop that survives."""

import errno
import socket as stdlib_socket
from contextlib import suppress
from pathlib import Path
from typing import final

import pytest
import trio
from trio.testing import MockClock

from slysock import Config, Listening
from slysock.engineio.receiver import NOBODY
from slysock.front import Front
from slysock.http.listeners import Address, accept_forever, bind_tcp, bind_unix, bound, describe, read_address
from tests.slysock.serving import logged


@pytest.mark.port
async def test_every_address_of_a_host_gets_the_same_free_port() -> None:
    sockets = await bind_tcp("localhost", 0)
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.port
async def test_a_port_in_use_is_an_os_error_and_leaves_no_socket_open() -> None:
    (taken,) = await bind_tcp("127.0.0.1", 0)
    with taken, pytest.raises(OSError, match="in use"):
        await bind_tcp("127.0.0.1", taken.getsockname()[1])


@final
class Names(trio.abc.HostnameResolver):
    """Knows one host, by these addresses; all of this machine, which has the whole of 127/8."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def getaddrinfo(
        self, host: bytes | None, port: int | str | None, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(stdlib_socket.AF_INET, kind, proto, "", (address, int(port or 0))) for address in self._addresses]

    async def getnameinfo(self, sockaddr: tuple[str, int], flags: int) -> tuple[str, str]:
        raise AssertionError("nobody asks for names")


@pytest.mark.port
async def test_an_address_that_is_not_ours_is_left_out_where_there_are_others() -> None:
    trio.socket.set_custom_hostname_resolver(Names("127.0.0.1", "192.0.2.1"))
    (only,) = await bind_tcp("host", 0)
    with only:
        assert only.getsockname()[0] == "127.0.0.1"


@pytest.mark.port
async def test_an_address_in_use_gives_the_others_back() -> None:
    (taken,) = await bind_tcp("127.0.0.2", 0)
    port = taken.getsockname()[1]
    trio.socket.set_custom_hostname_resolver(Names("127.0.0.1", "127.0.0.2"))
    with taken, pytest.raises(OSError, match="in use"):
        await bind_tcp("host", port)
    trio.socket.set_custom_hostname_resolver(None)
    (given_back,) = await bind_tcp("127.0.0.1", port)
    given_back.close()


async def test_a_host_without_an_address_cannot_be_listened_on() -> None:
    trio.socket.set_custom_hostname_resolver(Names())
    with pytest.raises(OSError, match="no address"):
        await bind_tcp("host", 0)


def has_ipv6() -> bool:
    with suppress(OSError), stdlib_socket.socket(stdlib_socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@pytest.mark.port
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::", ""])
async def test_everywhere_means_both_families_on_one_port(host: str) -> None:
    sockets = await bind_tcp(host, 0)
    try:
        port = sockets[0].getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            async with await trio.open_tcp_stream(address, port):
                pass
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.port
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_a_socket_for_an_address_of_ipv6_leaves_the_port_of_ipv4_to_others() -> None:
    (six,) = await bind_tcp("::1", 0)
    with six:
        assert six.getsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", Address(host="127.0.0.1", port=9000)),
        ("localhost:0", Address(host="localhost")),
        ("[::1]:65535", Address(host="::1", port=65535)),
        ("./metrics.sock", Address(unix_path=Path("metrics.sock"))),
        ("/run/slysock/metrics", Address(unix_path=Path("/run/slysock/metrics"))),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_path(text: str, address: Address) -> None:
    assert read_address(text) == address
    assert str(address)


@pytest.mark.parametrize("text", ["", "9000", ":9000", "127.0.0.1", "127.0.0.1:65536", "::1:9000", "a b:1", "a:1 "])
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no address: 127\.0\.0\.1:9000"):
        read_address(text)


@pytest.mark.port
async def test_where_clients_reach_a_listener_is_said_as_a_url(tmp_path: Path) -> None:
    (sock,) = await bind_tcp("127.0.0.1", 0)
    with sock:
        port = sock.getsockname()[1]
        assert describe(sock, Address(host="a.example")) == Listening(f"http://a.example:{port}", port)
        assert describe(sock, Address(host="::1"), secure=True) == Listening(f"https://[::1]:{port}", port)
        assert describe(sock, Address()).url == f"http://[::]:{port}"
        assert describe(sock, Address(unix_path=tmp_path / "socket")) == Listening(str(tmp_path / "socket"), 0)


async def test_an_address_that_is_not_ours_cannot_be_had() -> None:
    with pytest.raises(OSError, match=r"assign|available"):
        await bind_tcp("192.0.2.1", 0)


async def test_a_unix_socket_replaces_one_that_a_dead_server_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    bind_unix(path).close()
    assert path.exists()
    with bind_unix(path), pytest.raises(OSError, match="in use"):
        bind_unix(path)


@pytest.mark.port
async def test_what_is_listened_on_is_given_back_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with bound(Address(unix_path=path)), bound(Address(host="127.0.0.1")) as (listener,):
        assert path.is_socket()
    assert not path.exists()
    assert listener.fileno() < 0


async def test_a_unix_socket_that_somebody_removed_is_not_missed(tmp_path: Path) -> None:
    async with bound(Address(unix_path=tmp_path / "socket")):
        (tmp_path / "socket").unlink()


async def test_a_unix_socket_that_is_a_successors_by_now_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with bound(Address(unix_path=path)) as listeners:
        listeners[0].close()  # a stopping server, whose last connections are still there
        successor = bind_unix(path)
    with successor:
        assert path.is_socket()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        bind_unix(path)
    assert path.read_text() == "precious"


class Exhausted(stdlib_socket.socket):
    """A listening socket whose accept fails as it is told."""

    failures: list[int]

    def accept(self) -> tuple[stdlib_socket.socket, object]:
        if self.failures:
            code = self.failures.pop(0)
            raise OSError(code, errno.errorcode[code])
        return super().accept()


async def test_the_accept_loop_pauses_without_descriptors_and_goes_on(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    plain = bind_unix(tmp_path / "socket")
    listener = Exhausted(fileno=plain.detach())
    listener.failures = [errno.ECONNABORTED, errno.EMFILE, errno.ENFILE]
    taken: list[stdlib_socket.socket] = []
    with listener:
        nursery.start_soon(accept_forever, listener, taken.append)
        stream = await trio.open_unix_socket(str(tmp_path / "socket"))
        await trio.sleep(1)
        assert [sock.getblocking() for sock in taken] == [False]
        assert len(logged(caplog)) == 2
        for sock in taken:
            sock.close()
        await stream.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EBADF, errno.ENOTSOCK, errno.EFAULT])
async def test_an_accept_loop_whose_listener_is_of_no_use_ends_instead_of_spinning(
    autojump_clock: MockClock, tmp_path: Path, code: int
) -> None:
    listener = Exhausted(fileno=bind_unix(tmp_path / "socket").detach())
    listener.failures = [errno.ECONNABORTED, code]
    with listener:
        client = await trio.open_unix_socket(str(tmp_path / "socket"))
        with pytest.raises(OSError, match=errno.errorcode[code]):
            await accept_forever(listener, lambda sock: sock.close())
        await client.aclose()


@pytest.mark.parametrize("code", [errno.EPROTO, errno.ENETDOWN, errno.ECONNRESET, errno.ETIMEDOUT, errno.EPERM])
async def test_a_connection_that_broke_before_it_was_taken_costs_nothing_else(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, tmp_path: Path, code: int
) -> None:
    listener = Exhausted(fileno=bind_unix(tmp_path / "socket").detach())
    listener.failures = [code] * 100
    taken: list[stdlib_socket.socket] = []
    with listener:
        nursery.start_soon(accept_forever, listener, taken.append)
        client = await trio.open_unix_socket(str(tmp_path / "socket"))
        await trio.sleep(1)
        assert len(taken) == 1
        assert logged(caplog) == []
        taken[0].close()
        await client.aclose()
        nursery.cancel_scope.cancel()


async def test_a_listener_that_is_of_no_use_any_more_ends_the_server(autojump_clock: MockClock, tmp_path: Path) -> None:
    listener = Exhausted(fileno=bind_unix(tmp_path / "socket").detach())
    listener.failures = [errno.EINVAL]
    front = Front(Config(), accept=lambda session: NOBODY)
    with listener:
        client = await trio.open_unix_socket(str(tmp_path / "socket"))
        with pytest.raises(ExceptionGroup) as caught:
            await front.serve([listener], Listening("", 0))
        assert caught.group_contains(OSError, match="EINVAL")
        await client.aclose()
