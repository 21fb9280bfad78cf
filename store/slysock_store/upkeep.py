"""What an operator does to a store beside serving it: copy it, and look for damage. A server may use it meanwhile."""

from pathlib import Path

import trio

from .auditing import Inspection
from .errors import BadStoreUrl
from .opening import MEMORY_URLS, MONGODB, file_of, refuse_without_driver
from .sqlite import upkeep as sqlite


async def back_up_store(url: str, target: Path) -> int:
    """Copy a database file, with what is still in its log, into a new file; return the size of that in bytes.

    Raises:
        BadStoreUrl: the URL names no file, there is none, or the target exists or cannot be.
        SchemaTooNew: a newer version wrote the database.
        StoreUnavailable: one of them cannot be read or written, or the database is damaged.
        StoreFull: the copy does not fit.
    """
    if url in MEMORY_URLS or url.startswith(MONGODB):
        raise BadStoreUrl("only a database file can be copied")
    return await trio.to_thread.run_sync(sqlite.back_up, file_of(url), target)


async def inspect_store(url: str) -> Inspection:
    """Look for damage, and for counters and sequences that do not agree with the messages.

    Raises:
        BadStoreUrl: the URL names no database of ours.
        SchemaTooNew: a newer version wrote it.
        StoreUnavailable: it cannot be read or reached.
    """
    if url in MEMORY_URLS:
        raise BadStoreUrl("a database in memory is gone with its server")
    if not url.startswith(MONGODB):
        return await trio.to_thread.run_sync(sqlite.inspect, file_of(url))
    refuse_without_driver()
    from .mongo import upkeep as mongo  # here, as in `opening`

    return await trio.to_thread.run_sync(mongo.inspect, url)
