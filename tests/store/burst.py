"""Ten senders that write as fast as they can and print what was acknowledged; killed by its parent, see test_crash."""

import os
import sys

import trio

from slysock_store import ChatKey, NewChat, NewMessage, SystemName, UserKey, open_store

SYSTEM = SystemName("crash")


async def send(url: str) -> None:
    async with open_store(url) as store, trio.open_nursery() as nursery:

        async def sender(number: int) -> None:
            users = (UserKey(f"CUSTOMER:{number}"), UserKey("VENDOR:1"))
            chat = NewChat(kind="product", key=ChatKey(str(number % 3)), participants=users)
            while True:
                added = await store.add_message(SYSTEM, chat, NewMessage(sender=users[0], text="burst"))
                os.write(1, f"{added.message.id} {added.chat.id} {added.message.sequence}\n".encode())

        for number in range(10):
            nursery.start_soon(sender, number)


trio.run(send, sys.argv[1])
