"""What the kernel keeps."""

import socket as stdlib_socket
import sys
from contextlib import suppress

import pytest

from slysock.http.unsent import kept_by_kernel


@pytest.mark.skipif(sys.platform != "linux", reason="only there it is known")
def test_what_the_kernel_keeps_is_counted_until_the_peer_has_it() -> None:
    with stdlib_socket.create_server(("127.0.0.1", 0)) as listener:
        peer = stdlib_socket.create_connection(listener.getsockname())
        with peer, listener.accept()[0] as sock:
            assert kept_by_kernel(sock) == 0
            sock.setblocking(False)
            sent = 0
            with suppress(BlockingIOError):
                while True:
                    sent += sock.send(bytes(65_536))
            kept = kept_by_kernel(sock)
            assert 0 < kept < sent
            peer.settimeout(5)
            while sent:
                sent -= len(peer.recv(1_000_000))
            assert kept_by_kernel(sock) < kept
