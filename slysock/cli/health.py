"""What `/readyz` of `slysock serve` depends on beside what systems need: the store, its disk, the keys of tokens."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from slysock.asgi import HealthCheck
from slysock.cli.keys import database_file
from slysock.identity import RemoteKeys, Tokens
from slysock_store import Store, SystemName, UserKey

MIN_FREE_BYTES: Final = 16_777_216
"""As much as SQLite's log grows to before it is written back."""

NOBODY: Final = (SystemName("health"), UserKey("nobody"))


def health_checks(store: Store, url: str, tokens: Tokens) -> Sequence[HealthCheck]:
    """Make the checks. A database file and its disk are the node's own; a database server and keys by URL are shared.

    Call it when the store is open: from then on the file must be the same.
    """
    file = database_file(url)

    async def has_store() -> bool:
        await store.get_user(*NOBODY)  # raises where it cannot be read
        return True

    async def has_keys() -> bool:  # noqa: ASYNC124 - the shape of a check, which may have to wait
        return not isinstance(tokens.keys, RemoteKeys) or tokens.keys.is_reachable

    checks = [HealthCheck(name="keys", look=has_keys, shared=True)]
    if file is None:
        return [*checks, HealthCheck(name="store", look=has_store, shared=True)]
    identity = _identity(file)

    async def has_file() -> bool:
        return await trio.to_thread.run_sync(_identity, file) == identity and await has_store()

    async def has_room() -> bool:
        usage = await trio.to_thread.run_sync(shutil.disk_usage, file.parent)
        return usage.free >= MIN_FREE_BYTES

    return [*checks, HealthCheck(name="store", look=has_file), HealthCheck(name="disk", look=has_room)]


def _identity(file: Path) -> tuple[int, int]:
    """Tell files of one name apart: the connection goes on with one that was removed, and all of it is lost."""
    found = file.stat()
    return found.st_dev, found.st_ino
