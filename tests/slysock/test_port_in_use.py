import socket as stdlib_socket

import pytest

from slysock import Router, Server


async def test_a_port_in_use_is_an_os_error_as_the_docstring_says() -> None:
    with stdlib_socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await Server(Router()).serve("127.0.0.1", taken.getsockname()[1])
