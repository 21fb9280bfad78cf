"""What operations cost as chats grow: `python -m tests.store.growth [--sizes 1000,100000] [URL …]`.

Without a URL it measures SQLite on a file and MongoDB on a server that it starts, both under the temporary directory.
Every row is the time until a call has returned, durable, with nothing else to do; where a row makes many calls, it is
that of one of them. Each size has a chat of its own in which one has written everything, and nobody has read it.
"""

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import trio

from slysock_store import ChatChanges, ChatId, Message, NewMessage, Store, UserKey, open_store

from . import long_chat
from .long_chat import SENDER, SYSTEM
from .mongod import running

SIZES: Final = (1_000, 100_000, 1_000_000)
SINGLES: Final = 500
"""Single reads that are made, at most, to measure one."""

READER, PICKER, AWAY = UserKey("VENDOR:1"), UserKey("VENDOR:2"), UserKey("VENDOR:3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A store and a chat of one size in it."""

    store: Store
    chat_id: ChatId
    size: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what is measured, and how; the result is in seconds. Rows run in order."""

    name: str
    measure: Callable[[Place], Awaitable[float]]


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


async def count_unread(place: Place) -> float:
    return await timed(partial(place.store.get_chat, SYSTEM, place.chat_id))


async def join(place: Place) -> float:
    changes = ChatChanges(add_participants=(UserKey("VENDOR:9"),))
    return await timed(partial(place.store.update_chat, SYSTEM, place.chat_id, changes))


async def read_as_newcomer(place: Place) -> float:
    return await timed(partial(place.store.mark_read, SYSTEM, place.chat_id, UserKey("ADMIN:1")))


async def read_all(place: Place) -> float:
    return await timed(partial(place.store.mark_read, SYSTEM, place.chat_id, READER))


async def read_every_other(place: Place) -> float:
    """Read single messages all over the chat, none beside another."""
    step = max(2, place.size // SINGLES)
    picked = [await _message(place, number) for number in range(2, place.size + 1, step)]
    began = time.perf_counter()
    for message in picked:
        await place.store.mark_read(SYSTEM, place.chat_id, PICKER, message_id=message.id)
    return (time.perf_counter() - began) / len(picked)


async def _message(place: Place, number: int) -> Message:
    page = await place.store.list_messages(SYSTEM, place.chat_id, page=place.size - number + 1, limit=1)
    return page.items[0]


async def list_with_gaps(place: Place) -> float:
    return await timed(partial(place.store.list_messages, SYSTEM, place.chat_id, limit=100))


async def read_over_gaps(place: Place) -> float:
    return await timed(partial(place.store.mark_read, SYSTEM, place.chat_id, PICKER))


async def take_undelivered(place: Place) -> float:
    """Take ten pages of what waits for one who was away."""
    pages = min(10, place.size // 100)
    return await timed(partial(_take, place, pages)) / pages


async def _take(place: Place, pages: int) -> None:
    for _ in range(pages):
        await place.store.take_undelivered(SYSTEM, AWAY, limit=100)


async def deliver_all(place: Place) -> float:
    return await timed(partial(place.store.mark_delivered, SYSTEM, place.chat_id, AWAY))


async def send(place: Place) -> float:
    began = time.perf_counter()
    for _ in range(100):
        await place.store.add_message(SYSTEM, place.chat_id, NewMessage(sender=SENDER, text="hello"))
    return (time.perf_counter() - began) / 100


ROWS: Final = (
    Row("count what is unread", count_unread),
    Row("a participant joins", join),
    Row("a newcomer's first mark-read", read_as_newcomer),
    Row("mark all as read", read_all),
    Row("read one of every few", read_every_other),
    Row("a page of history with such gaps", list_with_gaps),
    Row("mark all as read over such gaps", read_over_gaps),
    Row("a page of 100 undelivered", take_undelivered),
    Row("mark the rest as delivered", deliver_all),
    Row("send", send),
)


async def measure(url: str, sizes: Sequence[int]) -> None:
    """Print the table of one store."""
    columns: list[list[float]] = []
    for size in sizes:
        readers = (READER, PICKER, AWAY)
        chat_id = await long_chat.make(url, key=str(size), size=size, readers=readers)
        async with open_store(url) as store:
            place = Place(store=store, chat_id=chat_id, size=size)
            columns.append([await row.measure(place) for row in ROWS])
            while (await store.take_undelivered(SYSTEM, READER, limit=100)).page.items:
                await store.mark_delivered(SYSTEM, chat_id, READER)
            for user in readers:
                await store.mark_read(SYSTEM, chat_id, user)
    print(f"\n{url.partition('://')[0]}, milliseconds")
    print("".join([f"{'':36}", *(f"{size:>12,}" for size in sizes)]))
    for row, cells in zip(ROWS, zip(*columns, strict=True), strict=True):
        print("".join([f"{row.name:36}", *(f"{1000 * seconds:12.2f}" for seconds in cells)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.store.growth")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("urls", nargs="*")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    with ExitStack() as stack:
        urls = asked.urls
        if not urls:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            urls = [f"sqlite:///{directory}/chat.db", stack.enter_context(running(directory)).url("growth")]
        for url in urls:
            trio.run(measure, url, sizes)


if __name__ == "__main__":
    main()
