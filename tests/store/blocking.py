"""How tests hold a writer thread within a transaction, whichever backend's it is."""

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import trio

from slysock_store.group_commit import Writer

Tx = TypeVar("Tx")


class Blocker:
    """A write that holds the writer thread until it is released."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._released = threading.Event()

    def __call__(self, tx: object) -> None:
        self._begun.set()
        assert self._released.wait(60)

    async def wait_begun(self) -> None:
        assert await trio.to_thread.run_sync(self._begun.wait, 60)

    def release(self) -> None:
        self._released.set()


@asynccontextmanager
async def blocked(writer: Writer[Tx]) -> AsyncGenerator[Blocker, None]:
    """Hold the writer thread within a commit for the block, unless it is released earlier."""
    blocker = Blocker()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.write, blocker)
        await blocker.wait_begun()
        try:
            yield blocker
        finally:
            blocker.release()
