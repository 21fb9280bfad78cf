"""The example in the package's docstring does what it says."""

import logging

import pytest

import slysock.telemetry
from slysock import Server
from slysock.testing import serve_memory
from tests.slysock.examples import run_example
from tests.slysock.telemetry.rendering import values_in


async def test_a_program_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "slysock.access")
    server = run_example(slysock.telemetry)["server"]
    assert isinstance(server, Server)
    async with serve_memory(server) as memory:
        client = await memory.connect()
        assert await client.call("hello", "Ada") == "Hello Ada"
        found = values_in((await memory.request("GET", "/metrics")).body)
    assert found['slysock_events_total{event="hello",namespace="/"}'] == 1
    assert found['slysock_clients{namespace="/"}'] == 1
    users = [vars(record)["fields"].get("user") for record in caplog.records if record.name == "slysock.access"]
    assert users == [None, "Ada", "Ada"]
