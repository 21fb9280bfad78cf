"""Bodies of requests that break off."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.systems.pets import pets
from slysock.systems.support import support
from tests.slysock.systems.market import token_for
from tests.slysock.systems.running import open_systems

HEADS = {
    "json": (
        "POST /support/messages HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    ),
    "managed": (
        "PUT /manage/support/users/1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n"
        'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{{"a"'
    ),
    "upload": (
        "POST /api/chat/1/send-media HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n"
        "content-type: multipart/form-data; boundary=x\r\ncontent-length: 100\r\n\r\n--x\r\n"
    ),
}


@pytest.mark.parametrize("kind", HEADS)
async def test_a_body_that_its_client_cuts_off_is_no_failure_of_ours(
    kind: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with open_systems(support, pets) as running:
        stream = running.memory.open()
        token = token_for(5, {"json": "user", "managed": "service", "upload": "buyer"}[kind])
        await stream.send_all(HEADS[kind].format(token=token).encode())
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        metrics = (await running.http("GET", "/metrics")).body
    assert b'status="500"' not in metrics
    assert not any(record.exc_info for record in caplog.records)
    assert not any(record.levelname in ("ERROR", "WARNING") for record in caplog.records)
