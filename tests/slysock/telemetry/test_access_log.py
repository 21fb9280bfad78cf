"""What is logged of clients: names and numbers, no contents."""

import logging

import pytest

from slysock import Socket
from slysock.telemetry.access_log import AccessLog
from slysock.testing import serve_memory
from tests.slysock.telemetry.programs import make_server

LOGGER = "slysock.access"


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """Return the text and the fields of each line."""
    return [(record.getMessage(), vars(record)["fields"]) for record in caplog.records if record.name == LOGGER]


async def visit(log: AccessLog) -> None:
    """Come, do what is handled and what fails, and leave."""
    server = make_server()
    server.observe(log)
    async with serve_memory(server) as memory:
        client = await memory.connect(auth={"token": "SECRET"})
        await client.call("add", 1, 2)
        await client.call("add", "SECRET", {"$gt": ""})
        await client.call("refuse")
        await client.disconnect()


async def test_who_comes_and_goes_is_told_and_what_they_do_below(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    await visit(AccessLog())
    joined, handled, unfit, refused, left = told(caplog)
    assert joined == ("client joined", {"namespace": "/", "socket": joined[1]["socket"], "address": "192.0.2.1"})
    assert handled[0] == "event handled"
    assert handled[1].keys() == {"namespace", "socket", "event", "milliseconds"}
    assert [unfit[0], unfit[1]["event"], unfit[1]["kind"]] == ["event failed", "add", "InvalidPayload"]
    assert [refused[0], refused[1]["event"], refused[1]["kind"]] == ["event failed", "refuse", "TooLate"]
    assert [left[0], left[1]["reason"]] == ["client left", "client namespace disconnect"]
    assert "SECRET" not in repr(told(caplog))
    levels = [record.levelname for record in caplog.records if record.name == LOGGER]
    assert levels == ["INFO", "DEBUG", "DEBUG", "DEBUG", "INFO"]


async def test_events_are_not_told_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    await visit(AccessLog())
    assert [text for text, _ in told(caplog)] == ["client joined", "client left"]


async def test_the_program_says_who_the_user_of_a_socket_is(caplog: pytest.LogCaptureFixture) -> None:
    def user_of(socket: Socket) -> str:
        return f"user of {socket.id}"

    caplog.set_level(logging.INFO, LOGGER)
    await visit(AccessLog(user_of))
    joined, left = told(caplog)
    assert joined[1]["user"] == left[1]["user"] == f"user of {joined[1]['socket']}"
