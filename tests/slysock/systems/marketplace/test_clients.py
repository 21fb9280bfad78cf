"""The document from end to end, with stock clients against the command itself, and a `kill -9` in it."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from slysock.identity import make_token
from tests.clients import CallError, NodeClient, NodeClients, Payload, python_client
from tests.slysock.systems.market import SECRET, at

pytestmark = [pytest.mark.port]

ANNA = ("CUSTOMER", 1)
BEN = ("VENDOR", 5)


def token_of(user: tuple[str, int], **claims: object) -> str:
    role, user_id = user
    claims = {"userId": user_id, "role": role, **claims}
    return make_token(SECRET, claims, now=time.time(), expires_in_seconds=600)


@contextmanager
def served(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `slysock serve` on a database; give its address when it is ready, and kill it in the end."""
    command = [sys.executable, "-m", "slysock.cli", "serve", "--port", "0", "--store", f"sqlite:///{database}"]
    process = subprocess.Popen([*command, "--jwt-secret", SECRET], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.lstrip().startswith("address"):
                address = line.split()[1]
            if line.startswith("Stop with"):
                break
        yield address, process
    finally:
        process.kill()
        process.communicate()


async def come(
    node: NodeClients, url: str, user: tuple[str, int], transports: Sequence[str] | None = None, **claims: object
) -> NodeClient:
    """Open both namespaces as the document's front-end does, and give the chat."""
    auth = {"token": token_of(user, **claims)}
    presence = await node.connect(url, namespace="/presence", auth=auth, transports=transports)
    chat = await presence.join("/chat", auth=auth)
    await chat.next("userChats")
    return chat


@pytest.mark.node
@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None])
async def test_the_document_with_stock_clients(
    node: NodeClients, tmp_path: Path, transports: Sequence[str] | None
) -> None:
    with served(tmp_path / "chat.db") as (url, _):
        stray = await node.connect(url, namespace="/chat", auth={"token": token_of(ANNA)}, transports=transports)
        (error,) = await stray.next_args("appError")
        assert at(error, "statusCode") == 403
        assert await stray.wait_disconnect() == "io server disconnect"

        ben = await come(node, url, BEN, transports, firstName="William", store=[{"storeId": 7, "name": "Wonderds"}])
        anna = await come(node, url, ANNA, transports, name="Ada Lovelace")
        await anna.emit("typing", {"productId": 12345, "recipientId": 5})
        assert at((await ben.next_args("userTyping"))[0], "data") == {}
        await anna.emit("sendMessage", {"productId": 12345, "recipientId": 5, "text": "Are you there?"})
        (sent,) = await anna.next_args("receiveMessage")
        (new,) = await ben.next_args("newChat")
        assert at(new, "message", "messages") == at(sent, "data")
        assert at(new, "message", "customer", "lastName") == "Lovelace"

        await ben.emit("joinChat", {"productId": 12345, "recipientId": 1})
        (loaded,) = await ben.next_args("loadMessages")
        assert at(loaded, "data", "messages", 0, "text") == "Are you there?"
        assert at((await anna.next_args("updateReadReceipts"))[0], "message") == "Messages marked as read"

        (answer,) = await ben.call(
            "sendMessage", {"productId": 12345, "recipientId": 1, "text": "Yes \N{WAVING HAND SIGN}"}
        )
        (heard,) = await anna.next_args("receiveMessage")
        assert heard == answer
        await anna.emit("markAsRead", new)  # as odd as the document has it
        await ben.next_args("updateReadReceipts")
        await anna.emit("getUserChats")
        (chats,) = await anna.next_args("userChats")
        assert at(chats, "data", 0, "vendor", "store", 0, "name") == "Wonderds"
        assert at(chats, "data", 0, "unReadCustomerMessages") is False

        message_id = str(at(answer, "data", 0, "id"))
        await ben.emit("deleteMessage", {"productId": 12345, "recipientId": 1, "messageId": message_id})
        await anna.next_args("messageDeleted")
        await anna.emit("sendMessage", {"productId": 12345, "recipientId": 5})
        (error,) = await anna.next_args("appError")
        assert error == {
            "error": True,
            "message": "A message needs text or media",
            "statusCode": 400,
        }


async def test_the_python_client_chats(tmp_path: Path) -> None:
    with served(tmp_path / "chat.db") as (url, _):
        namespaces = ["/presence", "/chat"]
        async with (
            python_client(url, namespaces=namespaces, auth={"token": token_of(BEN)}) as ben,
            python_client(url, namespaces=namespaces, auth={"token": token_of(ANNA)}) as anna,
        ):
            await ben.next("offlineMessages", namespace="/chat")
            payload: Payload = {"productId": "p", "recipientId": 5, "text": "hello"}
            answer = await anna.call("sendMessage", payload, namespace="/chat")
            event = await ben.next("newChat", namespace="/chat")
            assert at(event.args[0], "message", "messages") == at(answer, "data")


@pytest.mark.node
async def test_what_was_acknowledged_survives_kill_9_once_and_in_order(node: NodeClients, tmp_path: Path) -> None:
    acknowledged: dict[int, list[str]] = {customer: [] for customer in range(11, 16)}  # customer -> texts, in order
    with served(tmp_path / "chat.db") as (url, process):
        clients = {customer: await come(node, url, ("CUSTOMER", customer), ["websocket"]) for customer in acknowledged}
        async with trio.open_nursery() as nursery:
            for customer, texts in acknowledged.items():
                nursery.start_soon(send_until_killed, clients[customer], texts, process)

    with served(tmp_path / "chat.db") as (url, _):
        ben = await come(node, url, BEN, ["websocket"])
        for customer, texts in acknowledged.items():
            payload = {"productId": 1, "recipientId": customer, "limit": 100}
            (loaded,) = await ben.call("joinChat", payload)
            assert at(loaded, "error") is False, loaded
            messages = at(loaded, "data", "messages")
            assert isinstance(messages, list)
            kept = [str(at(message, "text")) for message in messages]
            assert kept[: len(texts)] == texts
            assert len(kept) <= len(texts) + 1  # one may have been stored and not acknowledged
            assert len(set(kept)) == len(kept)
            client = await come(node, url, ("CUSTOMER", customer), ["websocket"])
            (retried,) = await client.call("sendMessage", message_of(int(texts[-1])))
            assert at(retried, "data", 0, "id") == at(messages, len(texts) - 1, "id")


def message_of(number: int) -> dict[str, str | int]:
    return {"productId": 1, "recipientId": 5, "text": str(number), "clientMessageId": f"m{number}"}


async def send_until_killed(client: NodeClient, acknowledged: list[str], process: subprocess.Popen[str]) -> None:
    """Send; whoever has had twenty acknowledgements first kills the server under the others."""
    try:
        for number in range(50):
            await client.call("sendMessage", message_of(number))
            acknowledged.append(str(number))
            if len(acknowledged) == 20:
                process.kill()
    except CallError:
        pass
