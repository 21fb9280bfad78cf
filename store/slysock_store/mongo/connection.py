"""From a URL to a connection that transactions can use."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import final

import msgspec
import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError, ServerSelectionTimeoutError
from pymongo.monitoring import CommandListener
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from slysock_store.errors import BadStoreUrl

from .documents import CODEC, Document
from .failures import mapped
from .layout import Collections, collections_of
from .orphans import APP_NAME

SELECTION_SECONDS = 3.0
"""How long a command without a time limit of its own waits for a primary."""

OPENING_SECONDS = 4.0
"""How long opening searches for a primary before it reports that the database cannot be reached."""

CLOSE_SECONDS = 3.0

DEFAULT_READERS = 8
"""Reads at once, each with a socket and a thread. `maxPoolSize` in the URL overrides this, counting the writer's."""

WIRE_VERSION_5_0 = 13
"""The first version with reads from a snapshot outside of transactions (hello.maxWireVersion)."""

DURABLE = WriteConcern(w="majority", j=True)
"""A write is acknowledged when a majority has it in its journal: neither a crash nor an election loses it."""

NEEDS_REPLICA_SET = (
    "transactions need a replica set (one node will do): start mongod with --replSet rs0, "
    "run rs.initiate() once in mongosh, and add ?replicaSet=rs0 to the URL"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A client, the collections that it reaches, and the database's name for messages. The owner must close it."""

    client: MongoClient[Document]
    collections: Collections
    where: str
    readers: int

    def close(self) -> None:
        """Close all sockets, without waiting for a server that does not answer."""
        with pymongo.timeout(CLOSE_SECONDS):
            self.client.close()


class ParsedOptions(msgspec.Struct, frozen=True):
    """The options of a URL that matter here."""

    max_pool_size: int | None = msgspec.field(name="maxPoolSize", default=None)


class ParsedUrl(msgspec.Struct, frozen=True):
    """What the driver makes of a URL."""

    nodelist: tuple[tuple[str, int | None], ...]
    database: str | None
    options: ParsedOptions


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a URL says."""

    url: str
    database: str
    hosts: str
    readers: int

    @property
    def where(self) -> str:
        """Return the name of the database for messages, without credentials."""
        return f"the database {self.database} on {self.hosts}"


def parse(url: str) -> Address:
    """Parse a URL; for `mongodb+srv` this asks DNS.

    Raises:
        BadStoreUrl: it names no database. The text holds nothing of the URL, which may contain a password.
    """
    try:
        found = msgspec.convert(parse_uri(url), ParsedUrl)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise BadStoreUrl(
            "the mongodb:// URL cannot be read; it is mongodb://[USER:PASSWORD@]HOST[:PORT]/DATABASE?replicaSet=NAME, "
            "with special characters in names and passwords percent-encoded"
        ) from (None if "@" in url else error)
    if not found.database:
        raise BadStoreUrl("the mongodb:// URL names no database: write mongodb://HOST/DATABASE?replicaSet=NAME")
    hosts = ", ".join(host if port is None else f"{host}:{port}" for host, port in found.nodelist)
    pool = found.options.max_pool_size
    readers = DEFAULT_READERS if pool is None else max(1, pool - 1)
    return Address(url=url, database=found.database, hosts=hosts, readers=readers)


def connect(address: Address, listeners: Sequence[CommandListener] = ()) -> Connection:
    """Connect and make sure that the server can do what the backend needs.

    Raises:
        BadStoreUrl: the server is not a replica set, or too old.
        StoreUnavailable: it cannot be reached.
    """
    client = _client(address, listeners)
    try:
        _check(client, address)
    except BaseException:
        client.close()
        raise
    database = client.get_database(
        address.database, codec_options=CODEC, read_preference=ReadPreference.PRIMARY, write_concern=DURABLE
    )
    collections = collections_of(database)
    return Connection(client=client, collections=collections, where=address.where, readers=address.readers)


def _client(address: Address, listeners: Sequence[CommandListener]) -> MongoClient[Document]:
    milliseconds = int(SELECTION_SECONDS * 1000)
    return MongoClient(
        address.url,
        document_class=dict,
        appname=APP_NAME,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        maxPoolSize=address.readers + 1,
        event_listeners=list(listeners),
    )


def _check(client: MongoClient[Document], address: Address) -> None:
    try:
        with pymongo.timeout(OPENING_SECONDS):
            hello = client.admin.command("hello")
    except PyMongoError as error:
        _refuse_standalone(address, error)
        raise mapped(error, address.where) from error
    _refuse_unfit(hello, address)


def _refuse_unfit(hello: Mapping[str, object], address: Address) -> None:
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise BadStoreUrl(f"{address.where} is a standalone mongod; {NEEDS_REPLICA_SET}")
    version = hello.get("maxWireVersion")
    if not isinstance(version, int) or version < WIRE_VERSION_5_0:
        raise BadStoreUrl(f"{address.where} is older than MongoDB 5.0")


def _refuse_standalone(address: Address, error: PyMongoError) -> None:
    """Say what is wrong with a server that answers but is not a member of the set that the URL names.

    The driver ignores such a server and only reports that it found none.
    """
    if not isinstance(error, ServerSelectionTimeoutError) or "," in address.hosts:
        return
    hello: Mapping[str, object] = {}
    direct: MongoClient[Document] = MongoClient(f"mongodb://{address.hosts}/?directConnection=true")
    with suppress(PyMongoError), pymongo.timeout(SELECTION_SECONDS), direct:
        hello = direct.admin.command("hello")
    if hello.get("isreplicaset"):
        raise BadStoreUrl(f"{address.where} is in a replica set without rs.initiate(): {NEEDS_REPLICA_SET}") from error
    if hello and "setName" not in hello:
        raise BadStoreUrl(f"{address.where} is a standalone mongod; {NEEDS_REPLICA_SET}") from error
    if hello and f"replicaSet={hello['setName']}" not in address.url:
        raise BadStoreUrl(f"{address.where} is in the replica set {hello['setName']}, which the URL does not name")
