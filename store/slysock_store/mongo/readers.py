"""Reads in worker threads, each from one snapshot of the database."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, TypeVarTuple, final

import pymongo
import trio
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from slysock_store.errors import StoreClosed, StoreUnavailable

from .connection import Connection
from .failures import mapped, may_read_again
from .layout import Snapshot

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

READ_SECONDS = 4.0
"""How long a read may take, including the search for a primary and the driver's retries."""

TURN_SECONDS = 4.0
"""How long a read waits for a thread while others have them all: without a database, they all wait that long."""

ATTEMPTS = 20
"""How often a read from a snapshot that is not available yet is tried; each takes a round trip."""


@final
class Readers:
    """Runs reads on the connection, as many at once as it has sockets for. Others wait their turn."""

    def __init__(self, connection: Connection, *, seconds: float = READ_SECONDS) -> None:
        self._connection = connection
        self._seconds = seconds
        self._turns = trio.CapacityLimiter(connection.readers)
        # Never waited for: whoever has a turn finds a thread.
        self._threads = trio.CapacityLimiter(connection.readers)
        self._is_closed = False

    async def read(self, operation: Callable[[Snapshot, *Ts], T], *args: *Ts) -> T:
        """Run a read that sees all that was acknowledged. Once begun it is not cancelled.

        Raises:
            StoreClosed: after `aclose`.
            StoreUnavailable: the database failed, or was busy with other reads for too long.
        """
        if self._is_closed:
            raise StoreClosed("the store is closed")
        async with self._turn():
            return await trio.to_thread.run_sync(self._run, operation, *args, limiter=self._threads)

    async def aclose(self) -> None:
        """Refuse new reads and wait for those that are under way."""
        self._is_closed = True
        with trio.move_on_after(READ_SECONDS + TURN_SECONDS, shield=True):
            for _ in range(self._connection.readers):
                await self._turns.acquire_on_behalf_of(object())

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None, None]:
        turn = object()
        with trio.move_on_after(TURN_SECONDS) as waiting:
            await self._turns.acquire_on_behalf_of(turn)
        if waiting.cancelled_caught:
            raise StoreUnavailable(f"{self._connection.where} did not answer other reads in time")
        try:
            yield
        finally:
            self._turns.release_on_behalf_of(turn)

    # What follows runs in a worker thread.

    def _run(self, operation: Callable[[Snapshot, *Ts], T], *args: *Ts) -> T:
        try:
            with pymongo.timeout(self._seconds):
                return self._read(operation, *args)
        except (PyMongoError, BSONError, UnicodeError, OverflowError) as error:
            raise mapped(error, self._connection.where) from error

    def _read(self, operation: Callable[[Snapshot, *Ts], T], *args: *Ts) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._read_once(operation, *args)
            except PyMongoError as error:
                if not may_read_again(error):
                    raise
        return self._read_once(operation, *args)

    def _read_once(self, operation: Callable[[Snapshot, *Ts], T], *args: *Ts) -> T:
        with self._connection.client.start_session(snapshot=True) as session:
            return operation(Snapshot(collections=self._connection.collections, session=session), *args)
