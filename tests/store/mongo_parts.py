"""A store on MongoDB, put together by hand so that tests reach its writer, and fail points of the server."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from slysock_store import Clock, Store
from slysock_store.engines import ThreadedEngine
from slysock_store.formats import Heartbeat
from slysock_store.group_commit import Writer
from slysock_store.mongo import store_on
from slysock_store.mongo.committer import MongoCommitter
from slysock_store.mongo.connection import Connection, connect, parse
from slysock_store.mongo.ledger import MongoLedger
from slysock_store.mongo.readers import Readers
from slysock_store.mongo.schema import prepare
from slysock_store.mongo.transaction import Transaction
from slysock_store.testing import SettableClock

from .mongod import Mongod


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    writer: Writer[Transaction]
    store: Store
    connection: Connection


@asynccontextmanager
async def open_parts(
    url: str, *, seconds: float = 5.0, max_waiting: int = 1_000, clock: Clock | None = None
) -> AsyncGenerator[Parts, None]:
    connection = connect(parse(url))
    prepare(connection)
    ledger = MongoLedger(connection)
    Heartbeat(ledger).beat()
    ledger.leave()
    committer = MongoCommitter(connection, clock=clock or SettableClock(), seconds=seconds)
    writer = Writer(committer, max_waiting=max_waiting)
    engine = ThreadedEngine(writer, Readers(connection, seconds=seconds))
    try:
        yield Parts(writer=writer, store=store_on(engine), connection=connection)
    finally:
        await engine.aclose()


@contextmanager
def failing(server: Mongod, how: Mapping[str, object], *commands: str, times: int | None = None) -> Iterator[None]:
    """Let these commands of slysock fail in this way; always, or so many times."""
    mode = "alwaysOn" if times is None else {"times": times}
    data = {"failCommands": list(commands), "appName": "slysock", **how}
    with server.direct_client() as client:
        client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
        try:
            yield
        finally:
            client.admin.command("configureFailPoint", "failCommand", mode="off")
