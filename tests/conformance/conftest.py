"""Which server the conformance tests talk to: one that they start themselves, or any other.

    pytest tests/conformance                                             # our own server, on free ports
    pytest tests/conformance --conformance-url http://127.0.0.1:3000     # a server that is there already

A server that is there already must be set up as the official suites want it, with the slow ping (25 s, 20 s) and a
connect deadline of one second: Socket.IO at /socket.io/, or with `--conformance-engine` the Engine.IO echo at
/engine.io/. Tests of the layer that it does not have, and of the fast heartbeat, are skipped then.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
import trio

from slysock import Listening
from tests.conformance.live import Target
from tests.conformance.server import parse_options, server_of

SLOW: Final = ("--port", "0", "--ping-interval-ms", "25000", "--ping-timeout-ms", "20000")
FAST: Final = ("--port", "0")  # a ping after 300 ms, 200 ms for the answer
ENGINE: Final = "--engine-only"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the address of another server."""
    parser.addoption("--conformance-url", default=None, help="test this Socket.IO server, e.g. http://127.0.0.1:3000")
    parser.addoption("--conformance-engine", action="store_true", help="that server is the Engine.IO echo")


@asynccontextmanager
async def serving(pytestconfig: pytest.Config, *arguments: str) -> AsyncGenerator[Target]:
    """Start the server of the official suites on a free port, unless another one is to be tested."""
    url: str | None = pytestconfig.getoption("--conformance-url")
    engine_only = ENGINE in arguments
    if url is not None:
        if arguments[: len(SLOW)] != SLOW or pytestconfig.getoption("--conformance-engine") != engine_only:
            pytest.skip("the server that is tested is not the one that this test is for")
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        with Target(host, int(port or 80), "/engine.io/" if engine_only else "/socket.io/") as target:
            yield target
        return
    options = parse_options([*arguments, "--port", "0"])
    async with trio.open_nursery() as nursery:
        listening: Listening = await nursery.start(server_of(options), options)
        with Target(options.host, listening.port, options.config.path) as target:
            yield target
        nursery.cancel_scope.cancel()


@pytest.fixture
async def target(pytestconfig: pytest.Config) -> AsyncIterator[Target]:
    """A Socket.IO server with the slow ping: what closes here closes at once and not by a timeout."""
    async with serving(pytestconfig, *SLOW) as found:
        yield found


@pytest.fixture
async def fast(pytestconfig: pytest.Config) -> AsyncIterator[Target]:
    """A Socket.IO server with a heartbeat of 300 ms and 200 ms."""
    async with serving(pytestconfig, *FAST) as found:
        yield found


@pytest.fixture
async def echo(pytestconfig: pytest.Config) -> AsyncIterator[Target]:
    """An Engine.IO server that echoes every message, with the slow ping."""
    async with serving(pytestconfig, *SLOW, ENGINE) as found:
        yield found


@pytest.fixture
async def fast_echo(pytestconfig: pytest.Config) -> AsyncIterator[Target]:
    """The same with the fast heartbeat."""
    async with serving(pytestconfig, *FAST, ENGINE) as found:
        yield found
