"""On both stores: the order chat flow, and a `kill -9` in a burst of messages from ten people."""

import http.client
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from slysock.identity import make_token
from tests.clients import NodeClients, Payload, python_client
from tests.slysock.systems.market import SECRET, at
from tests.slysock.systems.support.center import NAMESPACE, data_of, id_of
from tests.slysock.systems.support.office import Office, open_office
from tests.slysock.systems.support.test_document import HELLO, ORDER, ORDER_CLOSED, admin_token, user_token

pytestmark = [pytest.mark.port]

SENDERS = [f"u{number}" for number in range(10)]
ENOUGH = 60
"""Acknowledgements, all senders together, after which the server is killed under the others."""


async def test_the_order_chat_flow(durable_url: str) -> None:
    async with open_office(durable_url) as office:
        async with python_client(office.url, namespaces=[NAMESPACE], auth={"token": admin_token()}) as admin:
            conversation = id_of(await office.ask("POST", f"/order-chat/{ORDER}", user_token()))
            await admin.call("join-conversation", {"conversationId": conversation}, namespace=NAMESPACE)
            body: dict[str, Payload] = {"conversationId": conversation, "content": HELLO, "clientMessageId": "m1"}
            sent = await office.ask("POST", "/messages", user_token(), body)
            assert await office.ask("POST", "/messages", user_token(), body) == sent
            assert (await admin.next("new-message", namespace=NAMESPACE)).args == (sent,)
            marked = await office.ask("POST", f"/conversations/{conversation}/read", admin_token())
            assert at(marked, "markedCount") == 1
            await office.tell(f"orders/{ORDER}", {"userId": "664ghi789abc012345", "status": "delivered"})
            closing = await admin.next("new-message", namespace=NAMESPACE)
            assert at(closing.args[0], "content") == ORDER_CLOSED
            updated = await admin.next("conversation-updated", namespace=NAMESPACE)
            assert (at(updated.args[0], "status"), at(updated.args[0], "unreadCount")) == ("closed", 1)
        answer = await office.http("POST", "/support/messages", user_token(), {**body, "clientMessageId": "m2"})
        assert answer.status == 409
        for token in (user_token(), admin_token()):
            (shown,) = data_of(await office.ask("GET", "/conversations", token))
            assert at(shown, "lastMessage", "content") == ORDER_CLOSED


def real_token(user_id: str, role: str) -> str:
    return make_token(SECRET, {"userId": user_id, "role": role}, now=time.time(), expires_in_seconds=600)


@contextmanager
def served(store: str) -> Iterator[tuple[Office, subprocess.Popen[str]]]:
    """Run `slysock serve --system support`; kill it in the end."""
    command = [sys.executable, "-m", "slysock.cli", "serve", "--system", "support", "--port", "0", "--store", store]
    process = subprocess.Popen(
        [*command, "--jwt-secret", SECRET, "--log-level", "ERROR"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.lstrip().startswith("address"):
                address = line.split()[1]
            if line.startswith("Stop with"):
                break
        yield Office(address), process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.node
async def test_what_was_acknowledged_survives_kill_9_once_and_in_order(node: NodeClients, durable_url: str) -> None:
    acknowledged: dict[str, list[str]] = {sender: [] for sender in SENDERS}  # sender -> contents, in order
    with served(durable_url) as (office, process):
        order: Payload = {"userId": SENDERS[0], "participants": SENDERS[1:], "status": "new"}
        answer = await office.http("PUT", "/manage/support/orders/1", real_token("backend", "service"), order)
        assert answer.status == 200
        conversation = id_of(await office.ask("POST", "/order-chat/1", real_token(SENDERS[0], "user")))
        token = real_token("a1", "admin")
        admin = await node.connect(office.url, namespace=NAMESPACE, auth={"token": token}, transports=["websocket"])
        await admin.call("join-conversation", {"conversationId": conversation})
        async with trio.open_nursery() as nursery:
            for sender in SENDERS:
                nursery.start_soon(send_until_killed, office, conversation, sender, acknowledged, process)
        await admin.wait_disconnect()
        heard = [at(event.args[0], "content") for event in admin.events if event.name == "new-message"]

    with served(durable_url) as (office, _):
        history = await history_of(office, conversation)
        assert max(Counter(history).values()) == 1
        for sender, contents in acknowledged.items():
            kept = [content for content in history if content.startswith(f"{sender}.")]
            assert kept[: len(contents)] == contents
            assert len(kept) <= len(contents) + 1  # one may have been stored and not acknowledged
            body = message_of(conversation, sender, len(contents))
            await office.ask("POST", "/messages", real_token(sender, "user"), body)  # the retry
        assert heard == [content for content in history if content in heard]
        retried = await history_of(office, conversation)
        assert max(Counter(retried).values()) == 1
        assert len(retried) == sum(len(contents) + 1 for contents in acknowledged.values())


def message_of(conversation: str, sender: str, number: int) -> dict[str, Payload]:
    content = f"{sender}.{number}"
    return {"conversationId": conversation, "content": content, "clientMessageId": content}


async def send_until_killed(
    office: Office,
    conversation: str,
    sender: str,
    acknowledged: dict[str, list[str]],
    process: subprocess.Popen[str],
) -> None:
    """Send one message after the other; whoever gets the last acknowledgement that is needed kills the server."""
    token = real_token(sender, "user")
    try:
        while True:
            body = message_of(conversation, sender, len(acknowledged[sender]))
            await office.ask("POST", "/messages", token, body)
            acknowledged[sender].append(str(body["content"]))
            if sum(map(len, acknowledged.values())) >= ENOUGH:
                process.kill()
    except (OSError, http.client.HTTPException):
        pass


async def history_of(office: Office, conversation: str) -> list[str]:
    """Read all messages, oldest first."""
    contents: list[str] = []
    page = 1
    while True:
        path = f"/conversations/{conversation}/messages?limit=100&page={page}"
        found = data_of(await office.ask("GET", path, real_token("a1", "admin")))
        if not found:
            return contents[::-1]
        contents += [str(at(message, "content")) for message in found]
        page += 1
