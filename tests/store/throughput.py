"""Messages stored per second, one at a time and by 200 senders: `python -m tests.store.throughput [URL …]`.

Without a URL it measures SQLite on a file and MongoDB on a server that it starts, both under the temporary directory.
Each message is acknowledged when it is durable. Every sender has a chat of two.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import trio

from slysock_store import ChatKey, NewChat, NewMessage, Store, SystemName, UserKey, open_store

from .mongod import running

SYSTEM = SystemName("throughput")
SECONDS = 5.0
SENDERS = (1, 200)


async def measure(store: Store, senders: int) -> float:
    """Return how many messages so many senders store in a second, each waiting for its last."""
    stored = 0
    before = store.statistics()

    async def send(number: int) -> None:
        nonlocal stored
        users = (UserKey(f"CUSTOMER:{number}"), UserKey("VENDOR:1"))
        chat = NewChat(kind="product", key=ChatKey(f"{senders}/{number}"), participants=users)
        while True:
            message = NewMessage(sender=users[0], text="x" * 64, client_message_id=f"{number}/{stored}")
            await store.add_message(SYSTEM, chat, message)
            stored += 1

    began = time.perf_counter()
    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for number in range(senders):
                nursery.start_soon(send, number)
    seconds = time.perf_counter() - began
    after = store.statistics()
    share = (after.writes - before.writes) / max(1, after.commits - before.commits)
    print(f"{senders:4} senders: {stored / seconds:8.0f} messages/s, {share:6.1f} writes per commit", flush=True)
    return stored / seconds


async def measure_all(urls: list[str]) -> None:
    for url in urls:
        async with open_store(url) as store:
            print(url.partition("://")[0], flush=True)
            for senders in SENDERS:
                await measure(store, senders)


def main() -> None:
    with ExitStack() as stack:
        urls = sys.argv[1:]
        if not urls:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = stack.enter_context(running(directory))
            urls = [f"sqlite:///{directory}/chat.db", server.url("throughput")]
        trio.run(measure_all, urls)


if __name__ == "__main__":
    main()
