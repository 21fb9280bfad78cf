"""The document, told by stock clients on Node to the command itself, with every system of the server on one port."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from slysock.identity import make_token
from tests.clients.runtime import CLIENTS_FOLDER, node_program
from tests.slysock.systems.market import SECRET, at

SCRIPT = Path(__file__).with_name("document.mjs")
DEADLINE_SECONDS = 90

SENDER = {"_id": "sender_id", "name": "John Doe", "profilePicture": "/uploads/profiles/john.jpg"}
PARTICIPANT = {
    "_id": "user_id",
    "name": "User Name",
    "email": "user@example.com",
    "profilePicture": "/uploads/profiles/user.jpg",
}
LISTING = {
    "_id": "pet_id",
    "title": "Golden Retriever Puppy",
    "images": [{"url": "/a.jpg"}],
    "price": 15000,
    "address": "Delhi",
}
MESSAGE = {
    "_id": "message_id",
    "chat": "chat_id",
    "sender": SENDER,
    "messageType": "text",
    "content": "Hello! Is this pet still available?",
    "readBy": ["user_id_1"],
    "status": "read",
    "createdAt": "2025-01-06T12:00:00.000Z",
}

# What the document shows, by the names that document.mjs has for it.
EXAMPLES: Mapping[str, object] = {
    "create": {
        "success": True,
        "message": "Chat created successfully",
        "data": {
            "_id": "chat_id",
            "participants": [PARTICIPANT],
            "petListing": LISTING,
            "chatType": "pet_inquiry",
            "isActive": True,
            "createdAt": "2025-01-06T00:00:00.000Z",
        },
    },
    "myChats": {
        "success": True,
        "message": "Chats retrieved successfully",
        "data": {
            "chats": [
                {
                    "_id": "chat_id",
                    "participants": [PARTICIPANT],
                    "petListing": LISTING,
                    "lastMessage": {
                        "_id": "message_id",
                        "content": "Hello! Is this pet still available?",
                        "createdAt": "2025-01-06T12:00:00.000Z",
                    },
                    "lastMessageTime": "2025-01-06T12:00:00.000Z",
                    "unreadCount": [{"userId": "user_id", "count": 3}],
                }
            ],
            "pagination": {"currentPage": 1, "totalPages": 2, "totalChats": 25, "hasMore": True},
        },
    },
    "messages": {
        "success": True,
        "message": "Messages retrieved successfully",
        "data": {
            "messages": [MESSAGE],
            "pagination": {"currentPage": 1, "totalPages": 3, "totalMessages": 145, "hasMore": True},
        },
    },
    "sendMedia": {
        "success": True,
        "message": "Media message sent successfully",
        "data": {
            "_id": "message_id",
            "chat": "chat_id",
            "sender": SENDER,
            "messageType": "image",
            "content": "Sent image",
            "mediaUrl": "chat-1640995200-123456789.jpg",
            "status": "sent",
            "createdAt": "2025-01-06T12:00:00.000Z",
        },
    },
}
NEW_MESSAGE = {name: value for name, value in MESSAGE.items() if name not in ("readBy", "status")}


def check_like(came: object, example: object, where: str = "") -> None:
    """Assert that a payload has every key of an example, with values of the same types."""
    assert type(came) is type(example), f"{where}: {came!r} is not like {example!r}"
    if isinstance(example, dict):
        assert isinstance(came, dict)
        for name, value in example.items():
            assert name in came, f"{where}.{name} is missing"
            check_like(came[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(came, list)
        assert came or where.endswith("readBy"), f"{where} is empty"
        for item in came:
            check_like(item, example[0], f"{where}[]")
    elif isinstance(example, str) and example.endswith("Z"):
        assert isinstance(came, str)
        assert (len(came), came[10], came[-1]) == (len(example), "T", "Z")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run `slysock serve` with its defaults on a database of its own; give its address, and end it afterwards."""
    command = [sys.executable, "-m", "slysock.cli", "serve", "--port", "0", "--jwt-secret", SECRET]
    options = ["--store", f"sqlite:///{folder}/chat.db", "--media-path", str(folder / "media")]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.lstrip().startswith("address"):
                address = line.split()[1]
            if line.startswith("Stop with"):
                break
        assert address
        yield address
    finally:
        process.kill()
        process.communicate()


def token(user: str, *, expires_in: float = 600, **claims: object) -> str:
    claims = {"userId": user, "role": "user", **claims}
    return make_token(SECRET, claims, now=time.time(), expires_in_seconds=expires_in)


def put(url: str, path: str, body: object) -> None:
    """Tell what another back-end would."""
    program = (
        "const [url, token, body] = process.argv.slice(1);"
        "const headers = {'Authorization': `Bearer ${token}`, 'Content-Type': 'application/json'};"
        "fetch(url, {method: 'PUT', body, headers})"
        ".then((answer) => process.exit(answer.ok ? 0 : 1));"
    )
    arguments = [f"{url}/manage/pets/{path}", token("backend", role="service"), json.dumps(body)]
    subprocess.run([node_program(), "-e", program, *arguments], check=True, timeout=30)


async def replay(url: str) -> Mapping[str, object]:
    """Run the script; give what came."""
    tokens = {
        "buyer": token("buyer", name="John Doe", email="john@example.com", profilePicture="/uploads/john.jpg"),
        "seller": token("seller"),
        "expired": token("buyer", expires_in=-60),
    }
    command = [node_program(), str(SCRIPT), url, json.dumps(tokens), str(CLIENTS_FOLDER)]
    with trio.fail_after(DEADLINE_SECONDS):
        done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[str, object])


@pytest.mark.port
@pytest.mark.node
async def test_the_document_with_stock_clients(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        put(
            url,
            "listings/pet_id",
            {**{name: value for name, value in LISTING.items() if name != "_id"}, "ownerId": "seller"},
        )
        profile = {"name": "Jane Roe", "email": "jane@example.com", "profilePicture": "/uploads/jane.jpg"}
        put(url, "users/seller", {"role": "seller", **profile})
        came = await replay(url)

    for name, example in EXAMPLES.items():
        check_like(at(came[name], "body"), example, name)
        assert at(came[name], "body", "message") == at(example, "message")
    for name in ("newMessage", "newMessageOfSeller", "acknowledged", "messageEdited"):
        check_like(came[name], NEW_MESSAGE, name)
    statuses = {
        name: at(came[name], "status") for name in ("create", "send", "sendMedia", "markRead", "deleted", "refused")
    }
    assert statuses == {"create": 201, "send": 201, "sendMedia": 201, "markRead": 200, "deleted": 200, "refused": 409}
    assert at(came["refused"], "body") == {"success": False, "message": "This chat is blocked"}
    assert at(came["myChats"], "body", "data", "chats", 0, "petListing") == LISTING
    seen = at(came["messages"], "body", "data", "messages", 1)
    assert (at(seen, "readBy"), at(seen, "status")) == (["buyer"], "read")
    assert at(came["reply"], "body", "data", "parentMessage") == at(came["send"], "body", "data", "_id")
    assert at(came["captioned"], "body", "data", "content") == "Optional caption for media"
    assert at(came["deleted"], "body", "data", "isDeleted") is True
    assert [at(came[name], "body", "data", "isBlocked") for name in ("blocked", "unblocked")] == [True, False]
    assert came["media"] == {"status": 206, "type": "image/png", "bytes": 10}

    message = str(at(came["newMessage"], "_id"))
    chat = at(came["create"], "body", "data", "_id")
    assert came["newMessage"] == came["newMessageOfSeller"]
    assert came["typing"] == {"userId": "buyer", "isTyping": True, "chatId": chat}
    assert came["messageRead"] == {"messageId": message, "userId": "seller", "chatId": chat}
    assert at(came["messageReaction"], "reactions") == [{"reactor": "seller", "emoji": "\N{DOG FACE}"}]
    assert (at(came["messageEdited"], "content"), at(came["messageEdited"], "isEdited")) == ("Edited", True)
    assert came["error"] == {"message": "Chat not found"}
    assert came["notification"] == {
        "title": "John Doe",
        "body": "Hello! Is this pet still available?",
        "data": {"chatId": chat, "messageId": message},
    }
    assert (came["afterReconnect"], came["attempts"]) == ("after the reconnection", 1)
    row = [
        "Jane Roe",
        "/uploads/jane.jpg",
        ["/a.jpg", "Golden Retriever Puppy", 15000],
        "after the reconnection",
        "string",
        0,
    ]
    assert came["chatList"] == [row]
    assert came["indicator"] == [True, False]
    assert came["screen"] == ["one", "two"]
    assert came["jest"] == "Hello from test"
    assert (came["refusal"], came["refreshed"]) == ("Authentication error", True)
