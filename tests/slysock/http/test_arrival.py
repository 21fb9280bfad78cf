"""When bytes arrived."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from slysock.http.arrival import ANCILLARY_BYTES, arrival_ns, note_arrivals


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        note_arrivals(made)
        yield made


def receive(sock: socket.socket) -> int:
    _data, ancillary, _flags, _address = sock.recvmsg(100, ANCILLARY_BYTES)
    return arrival_ns(ancillary)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when bytes arrived")
def test_the_order_of_arrival_is_known_whatever_the_order_of_reading(listener: socket.socket) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(3)]
        servers = [stack.enter_context(listener.accept()[0]) for _ in clients]
        for number in (1, 2, 0):
            clients[number].send(b"x")
        arrivals = [receive(server) for server in servers]
        assert arrivals[1] < arrivals[2] < arrivals[0] < time.time_ns()


@pytest.mark.parametrize("ancillary", [[], [(socket.SOL_SOCKET, 1, bytes(16))], [(socket.SOL_SOCKET, 35, b"short")]])
def test_what_the_kernel_does_not_say_is_now(ancillary: list[tuple[int, int, bytes]]) -> None:
    before = time.time_ns()
    assert before <= arrival_ns(ancillary) <= time.time_ns()


def test_a_socket_that_cannot_is_left_as_it_is() -> None:
    closed = socket.socket()
    closed.close()
    note_arrivals(closed)
