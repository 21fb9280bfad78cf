"""A `kill -9` of the command in a burst of messages: what was acknowledged is there, once, in its order."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec
import pytest
import trio

from slysock.systems.services.chats import chat_key
from slysock_store import open_store
from tests.clients import CallError, NodeClient, NodeClients
from tests.slysock.systems.market import SECRET, at
from tests.slysock.systems.services.office import ANNA, BEN, CHAT, ROOT, SERVICES
from tests.slysock.systems.services.replay import token_of

pytestmark = [pytest.mark.port, pytest.mark.node]


@contextmanager
def served(store: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command on a store; give its address when it is ready, and kill it in the end."""
    command = [sys.executable, "-m", "slysock.cli", "serve", "--system", "services", "--port", "0"]
    options = ["--store", store, "--jwt-secret", SECRET]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(line.split()[1] for line in process.stdout if line.lstrip().startswith("address"))
        next(line for line in process.stdout if line.startswith("Stop with"))
        yield address, process
    finally:
        process.kill()
        process.communicate()


def put_chat(url: str) -> None:
    """Tell of the chat, as the back-end would."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"authorization": f"Bearer {token_of(ROOT)}", "content-type": "application/json"}
    body = msgspec.json.encode({"clientId": ANNA, "providerId": BEN})
    connection.request("PUT", f"/manage/services/chats/{CHAT}", body, headers)
    assert connection.getresponse().status == 200
    connection.close()


async def test_what_was_acknowledged_survives_kill_9_once_and_in_order(node: NodeClients, durable_url: str) -> None:
    acknowledged: list[list[str]] = [[] for _ in range(10)]  # client -> texts, in order
    with served(durable_url) as (url, process):
        await trio.to_thread.run_sync(put_chat, url)
        clients = [await node.connect(url, auth={"token": token_of(user)}) for user in (ANNA, BEN) * 5]
        async with trio.open_nursery() as nursery:
            for number, client in enumerate(clients):
                nursery.start_soon(send_until_killed, client, number, acknowledged[number], process)
    kept = await kept_texts(durable_url)
    assert len(set(kept)) == len(kept)
    for number, texts in enumerate(acknowledged):
        mine = [text for text in kept if text.startswith(f"{number}.")]
        assert mine[: len(texts)] == texts
        assert len(mine) <= len(texts) + 1  # one may have been stored and not acknowledged
    with served(durable_url) as (url, _):
        client = await node.connect(url, auth={"token": token_of(ANNA)})
        (answer,) = await client.call("send-message", message_of(acknowledged[0][-1]))
        assert at(answer, "success") is True
    assert await kept_texts(durable_url) == kept


def message_of(text: str) -> dict[str, str]:
    return {"chatId": CHAT, "content": text, "clientMessageId": text}


async def send_until_killed(
    client: NodeClient, number: int, acknowledged: list[str], process: subprocess.Popen[str]
) -> None:
    """Send; whoever has had twenty acknowledgements first kills the server under the others."""
    try:
        for count in range(50):
            text = f"{number}.{count}"
            await client.call("send-message", message_of(text))
            acknowledged.append(text)
            if len(acknowledged) == 20:
                process.kill()
    except CallError:
        pass


async def kept_texts(url: str) -> list[str]:
    """Read the chat, oldest first."""
    texts: list[str] = []
    async with open_store(url) as store:
        chat = await store.find_chat(SERVICES, chat_key(CHAT))
        assert chat is not None
        page = 1
        while True:
            found = await store.list_messages(SERVICES, chat.id, page=page, limit=100)
            texts += [str(message.text) for message in found.items]
            if not found.has_next:
                return texts[::-1]
            page += 1
