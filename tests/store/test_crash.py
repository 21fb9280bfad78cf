"""A killed process loses no acknowledged message."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from slysock_store import ChatId, MessageId, SystemName, open_store
from slysock_store.testing import audit

SYSTEM = SystemName("crash")
ACKNOWLEDGED = 300


async def read_until_killed(process: trio.Process) -> list[str]:
    """Kill the process once it has acknowledged enough; give every whole line that it wrote."""
    assert process.stdout is not None
    written = b""
    async for chunk in process.stdout:
        written += chunk
        if written.count(b"\n") >= ACKNOWLEDGED:
            process.kill()
    return written.decode().split("\n")[:-1]


@pytest.mark.port
async def test_kill_9_in_a_burst_loses_no_acknowledged_message(durable_url: str) -> None:
    script = Path(__file__).with_name("burst.py")
    lines: list[str] = []
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            command = [sys.executable, str(script), durable_url]
            process: trio.Process = await nursery.start(
                partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
            )
            lines = await read_until_killed(process)
    assert process.returncode == -9
    assert len(lines) >= ACKNOWLEDGED
    async with open_store(durable_url) as store:
        chats: set[ChatId] = set()
        for line in lines:
            message_id, chat_id, sequence = line.split()
            message = await store.get_message(SYSTEM, MessageId(message_id))
            assert message is not None, f"{line} was acknowledged and lost"
            assert (message.chat_id, message.sequence) == (chat_id, int(sequence))
            chats.add(ChatId(chat_id))
        assert len(chats) == 3
        for chat_id in chats:
            await audit(store, chat_id, system=SYSTEM)
