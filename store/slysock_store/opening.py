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
async def open_store(url: str, *, clock: Clock = system_clock) -> AsyncGenerator[Store, None]:
    """Open the store that a URL names, and close it at the end.

    - `sqlite:///chat.db`: a file, relative to the working directory; `sqlite:////srv/chat.db`: an absolute path. The
      file is made if missing; its directory must exist.
    - `sqlite://` or `:memory:`: in memory, for tests. It uses no threads, so it works with a mock clock; a file does
      not, since a clock that jumps mistakes waiting for a thread for idleness.
    - `mongodb://HOST/DATABASE?replicaSet=NAME`, or `mongodb+srv://`: a database of a replica set or sharded cluster of
      MongoDB 5.0 or newer. Collections and indexes are made as needed.

    Args:
        url: as above.
        clock: returns the times for records; for tests.

    Raises:
        BadStoreUrl: the URL or its path names no store that could be opened, or one whose driver is not installed.
        SchemaTooNew: a newer version has taken the database over.
        StoreUnavailable: the database may not be opened or written, is damaged, cannot be reached, or is in use by
            servers of a version that this one cannot work with.
    """
    async with _opener(url, clock) as store:
        yield store


def _opener(url: str, clock: Clock) -> AbstractAsyncContextManager[Store]:
    if url in MEMORY_URLS:
        return open_memory(clock=clock)
    if url.startswith(SQLITE):
        return open_file(_path_of(url), clock=clock)
    if url.startswith(MONGODB):
        return _open_mongo(url, clock)
    raise BadStoreUrl(
        "a store is sqlite:///PATH (relative), sqlite:////PATH (absolute), sqlite:// (memory) "
        "or mongodb://HOST/DATABASE?replicaSet=NAME"
    )


def _open_mongo(url: str, clock: Clock) -> AbstractAsyncContextManager[Store]:
    if find_spec("pymongo") is None:
        raise BadStoreUrl("MongoDB needs the extra \"mongo\": pip install 'slysock[mongo]'")
    # Imported here: the driver takes longer to import than all else, and most who use SQLite never need it.
    from .mongo import open_database

    return open_database(url, clock=clock)


def _path_of(url: str) -> Path:
    path = url.removeprefix(SQLITE)
    if not path.startswith("/") or path == "/":
        raise BadStoreUrl(f"{url} names no file: write sqlite:///PATH, or sqlite:////PATH for an absolute path")
    if "?" in path or "\0" in path:
        raise BadStoreUrl(f"{url!r} has options or characters that a path cannot have")
    return Path(path[1:])
