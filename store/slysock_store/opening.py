"""From a URL to an open store."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from .errors import BadStoreUrl
from .sqlite import open_file, open_memory
from .store import Store
from .times import Clock, system_clock

SQLITE = "sqlite://"
MONGODB = ("mongodb://", "mongodb+srv://")
MEMORY_URLS = ("sqlite://", "sqlite:///:memory:", ":memory:")


@asynccontextmanager
async def open_store(
    url: str, *, clock: Clock = system_clock, wait_seconds: float = 0.0, min_free_bytes: int = 0
) -> AsyncGenerator[Store, None]:
    """Open the store that a URL names, and close it at the end.

    - `sqlite:///chat.db`: a file, relative to the working directory; `sqlite:////srv/chat.db`: an absolute path. The
      file is made if missing; its directory must exist. One process at a time may have it open: two would not see each
      other's clients.
    - `sqlite://` or `:memory:`: in memory, for tests. It uses no threads, so it works with a mock clock; a file does
      not, since a clock that jumps mistakes waiting for a thread for idleness.
    - `mongodb://HOST/DATABASE?replicaSet=NAME`, or `mongodb+srv://`: a database of a replica set or sharded cluster of
      MongoDB 5.0 or newer. Collections and indexes are made as needed.

    Args:
        url: as above.
        clock: returns the times for records; for tests.
        wait_seconds: how long to wait for another process that has the file open; for restarts that overlap.
        min_free_bytes: with less than this free on the disk of the file, nothing new is stored (`StoreFull`).

    Raises:
        BadStoreUrl: the URL or its path names no store that could be opened, or one whose driver is not installed.
        SchemaTooNew: the database was written by a newer version.
        StoreInUse: another process has the file open.
        StoreUnavailable: the database may not be opened or written, is damaged, or cannot be reached.
    """
    async with _opener(url, clock, wait_seconds, min_free_bytes) as store:
        yield store


def _opener(url: str, clock: Clock, wait_seconds: float, min_free_bytes: int) -> AbstractAsyncContextManager[Store]:
    if url in MEMORY_URLS:
        return open_memory(clock=clock)
    if url.startswith(SQLITE):
        return open_file(file_of(url), clock=clock, wait_seconds=wait_seconds, min_free_bytes=min_free_bytes)
    if url.startswith(MONGODB):
        return _open_mongo(url, clock)
    raise BadStoreUrl(
        "a store is sqlite:///PATH (relative), sqlite:////PATH (absolute), sqlite:// (memory) "
        "or mongodb://HOST/DATABASE?replicaSet=NAME"
    )


def refuse_without_driver() -> None:
    """Say what is missing for a MongoDB.

    Raises:
        BadStoreUrl: the driver.
    """
    if find_spec("pymongo") is None:
        raise BadStoreUrl("MongoDB needs the extra \"mongo\": pip install 'slysock[mongo]'")


def _open_mongo(url: str, clock: Clock) -> AbstractAsyncContextManager[Store]:
    refuse_without_driver()
    # Imported here: the driver takes longer to import than all else, and most who use SQLite never need it.
    from .mongo import open_database

    return open_database(url, clock=clock)


def file_of(url: str) -> Path:
    """Return the file that an SQLite URL names.

    Raises:
        BadStoreUrl: it names none.
    """
    path = url.removeprefix(SQLITE)
    if not path.startswith("/") or path == "/":
        raise BadStoreUrl(f"{url} names no file: write sqlite:///PATH, or sqlite:////PATH for an absolute path")
    if "?" in path or "\0" in path:
        raise BadStoreUrl(f"{url!r} has options or characters that a path cannot have")
    return Path(path[1:])
