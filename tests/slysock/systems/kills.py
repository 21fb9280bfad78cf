"""`kill -9` of the whole command, again and again, while people talk in all four systems.

Whoever was told that their message is stored may rely on two things: it is, and its recipient gets it. So what each
recipient saw, live or handed out when they came back, is compared with what was acknowledged. In `pets` and `support`
the documents have people who come back ask for the history; there that is part of what they see.

    python -m tests.slysock.systems.kills 100 sqlite:///var/kills.db
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, final

import trio

from slysock.identity import make_token
from slysock.systems import SYSTEMS
from tests.clients import CallError, NodeClient, NodeClients, Payload, node_clients
from tests.slysock.systems.market import SECRET, at
from tests.slysock.systems.support.office import Office

CHAT: Final = "507f1f77bcf86cd799439011"
SENDS_BEFORE_A_KILL: Final = 40  # acknowledged, in all systems together
SENDERS: Final = 3  # in each system, at the same time
SECONDS: Final = 30  # for a server's start, or until a recipient has got everything
TEXT: Final = re.compile(r"\d+/\w+/\d+/\d+")


def token(user: object, role: str) -> str:
    return make_token(SECRET, {"userId": user, "role": role}, now=time.time(), expires_in_seconds=3600)


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts of our messages, wherever they are in an event or an answer."""
    if isinstance(value, str) and TEXT.fullmatch(value):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)


class Talk(Protocol):
    """Two people in one system: the first sends, the second is to get it."""

    listeners: list[NodeClient]

    async def connect(self, node: NodeClients, url: str, through: str | None = None) -> None:
        """Bring both in, also for the second time; the second one through another address, if there is one."""

    async def send(self, text: str) -> None:
        """Send a message; returns when it was acknowledged, and raises CallError or OSError otherwise."""

    async def ask(self, url: str) -> Payload:
        """Ask for what the document has people ask for who come back."""
        ...


@final
@dataclass
class Marketplace:
    listeners: list[NodeClient] = field(default_factory=list)
    sender: NodeClient | None = None

    async def connect(self, node: NodeClients, url: str, through: str | None = None) -> None:
        chats = list[NodeClient]()
        for user, role, where in ((1, "CUSTOMER", url), (5, "VENDOR", through or url)):
            auth = {"token": token(user, role)}
            presence = await node.connect(where, namespace="/presence", auth=auth, transports=["websocket"])
            chats.append(await presence.join("/chat", auth=auth))
        self.sender, listener = chats
        self.listeners.append(listener)

    async def send(self, text: str) -> None:
        assert self.sender is not None
        wish = {"productId": 1, "recipientId": 5, "text": text, "clientMessageId": text}
        (answer,) = await self.sender.call("sendMessage", wish)
        assert at(answer, "statusCode") == 200, answer

    async def ask(self, url: str) -> Payload:
        return None


@final
@dataclass
class Services:
    listeners: list[NodeClient] = field(default_factory=list)
    sender: NodeClient | None = None

    async def connect(self, node: NodeClients, url: str, through: str | None = None) -> None:
        back_end, people = token("backend", "service"), {"clientId": "anna", "providerId": "ben"}
        answer = await Office(url).http("PUT", f"/manage/services/chats/{CHAT}", back_end, people)
        assert answer.status == 200, answer
        self.sender = await node.connect(url, auth={"token": token("anna", "client")}, transports=["websocket"])
        auth = {"token": token("ben", "provider")}
        listener = await node.connect(through or url, auth=auth, transports=["websocket"])
        self.listeners.append(listener)
        await listener.call("join-chat", CHAT)

    async def send(self, text: str) -> None:
        assert self.sender is not None
        (answer,) = await self.sender.call("send-message", {"chatId": CHAT, "content": text, "clientMessageId": text})
        assert at(answer, "success") is True, answer

    async def ask(self, url: str) -> Payload:
        return None


@final
@dataclass
class Pets:
    listeners: list[NodeClient] = field(default_factory=list)
    sender: NodeClient | None = None
    chat: str = ""

    async def connect(self, node: NodeClients, url: str, through: str | None = None) -> None:
        answer = await Office(url).http("POST", "/api/chat/create", token("carl", "user"), {"participantId": "dora"})
        self.chat = str(at(answer.body, "data", "_id"))
        self.sender = await node.connect(url, auth={"token": token("carl", "user")}, transports=["websocket"])
        listener = await node.connect(through or url, auth={"token": token("dora", "user")}, transports=["websocket"])
        self.listeners.append(listener)

    async def send(self, text: str) -> None:
        assert self.sender is not None
        (answer,) = await self.sender.call(
            "sendMessage", {"chatId": self.chat, "content": text, "clientMessageId": text}
        )
        assert at(answer, "content") == text, answer

    async def ask(self, url: str) -> Payload:
        path = f"/api/chat/{self.chat}/messages?limit=100"
        return (await Office(url).http("GET", path, token("dora", "user"))).body


@final
@dataclass
class Support:
    listeners: list[NodeClient] = field(default_factory=list)
    url: str = ""
    chat: str = ""

    async def connect(self, node: NodeClients, url: str, through: str | None = None) -> None:
        self.url = url
        wish = {"participants": ["fred"], "clientMessageId": "the only one"}
        opened = await Office(url).ask("POST", "/conversations", token("erna", "admin"), wish)
        self.chat = str(at(opened, "_id"))
        auth = {"token": token("fred", "user")}
        listener = await node.connect(through or url, namespace="/support", auth=auth, transports=["websocket"])
        self.listeners.append(listener)
        await listener.call("join-conversation", {"conversationId": self.chat})

    async def send(self, text: str) -> None:
        wish = {"conversationId": self.chat, "content": text, "clientMessageId": text}
        await Office(self.url).ask("POST", "/messages", token("erna", "admin"), wish)

    async def ask(self, url: str) -> Payload:
        path = f"/support/conversations/{self.chat}/messages?limit=100"
        return (await Office(url).http("GET", path, token("fred", "user"))).body


@contextmanager
def served(store: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command with all systems; yield its address and the process, and kill it in the end."""
    systems = [word for name in SYSTEMS for word in ("--system", name)]
    command = [sys.executable, "-m", "slysock.cli", "serve", *systems, "--port", "0", "--store", store]
    process = subprocess.Popen([*command, "--jwt-secret", SECRET], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = next(line.split()[1] for line in process.stdout if line.lstrip().startswith("address"))
        next(line for line in process.stdout if line.startswith("Stop with"))
        yield url, process
    finally:
        process.kill()
        process.communicate()


@final
class Kills:
    """A run: what was acknowledged in each system, and what its recipient has seen."""

    def __init__(self) -> None:
        self.talks: Sequence[Talk] = (Marketplace(), Services(), Pets(), Support())
        self.acknowledged: list[list[str]] = [[] for _ in self.talks]
        self.seen: list[set[str]] = [set() for _ in self.talks]
        self._left = 0  # acknowledgements until the kill

    async def run(self, store: str, kills: int) -> None:
        """Kill so often; each time the next server must hand out what was not seen.

        Raises:
            AssertionError: something acknowledged was not shown to its recipient.
        """
        for number in range(kills + 1):
            async with node_clients() as node:
                with served(store) as (url, process):
                    for talk in self.talks:
                        await talk.connect(node, url)
                    await self._check(url)
                    if number < kills:
                        await self._talk(number, process)
                self._look()

    async def _check(self, url: str) -> None:
        """Wait until each recipient has seen all that was ever acknowledged."""
        for talk, acknowledged, seen in zip(self.talks, self.acknowledged, self.seen, strict=True):
            seen.update(texts_in(await talk.ask(url)))
            with trio.move_on_after(SECONDS):
                while not seen.issuperset(acknowledged):
                    await trio.sleep(0.05)
                    self._look()
            missing = [text for text in acknowledged if text not in seen]
            assert not missing, f"{type(talk).__name__}: {len(missing)} never seen, such as {missing[:5]}"

    def _look(self) -> None:
        for talk, seen in zip(self.talks, self.seen, strict=True):
            for listener in talk.listeners:
                while listener.events:
                    seen.update(texts_in(listener.events.popleft().args))

    async def _talk(self, number: int, process: subprocess.Popen[str]) -> None:
        self._left = SENDS_BEFORE_A_KILL
        async with trio.open_nursery() as nursery:
            for place in range(len(self.talks)):
                for sender in range(SENDERS):
                    nursery.start_soon(self._send_until_killed, place, f"{number}/x/{sender}", process)

    async def _send_until_killed(self, place: int, prefix: str, process: subprocess.Popen[str]) -> None:
        try:
            for count in range(10_000):
                text = f"{prefix}/{count}"
                await self.talks[place].send(text)
                self.acknowledged[place].append(text)
                self._left -= 1
                if self._left == 0:
                    process.kill()
        except (CallError, OSError):
            pass


async def main(kills: int, store: str) -> None:
    run = Kills()
    await run.run(store, kills)
    for talk, acknowledged in zip(run.talks, run.acknowledged, strict=True):
        print(f"{type(talk).__name__}: {len(acknowledged)} acknowledged, all of them seen, in {kills} kills")


if __name__ == "__main__":
    trio.run(partial(main, int(sys.argv[1]), sys.argv[2]))
