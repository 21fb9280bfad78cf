"""What `/readyz` of `slysock serve` depends on beside what systems need: the store, its disk, the keys of tokens."""

from collections.abc import Sequence
from typing import Final

from slysock.asgi import HealthCheck, Unfit
from slysock.identity import RemoteKeys, Tokens
from slysock_store import Store, StoreError, SystemName, UserKey

NOBODY: Final = (SystemName("health"), UserKey("nobody"))
LOST: Final = "the database file was removed or replaced"
FULL: Final = "there is no room for anything new"


def health_checks(store: Store, tokens: Tokens) -> Sequence[HealthCheck]:
    """Make the checks. A file and its disk are the node's own; a database server and keys by URL are shared."""
    is_own = store.statistics().files is not None

    async def has_store() -> bool:
        try:
            await store.get_user(*NOBODY)  # raises where it cannot be read
        except StoreError:
            files = store.statistics().files
            if files is not None and files.is_lost:
                raise Unfit(LOST) from None
            raise
        return True

    async def has_keys() -> bool:  # noqa: ASYNC124 - the shape of a check, which may have to wait
        return not isinstance(tokens.keys, RemoteKeys) or tokens.keys.is_reachable

    async def has_room() -> bool:  # noqa: ASYNC124 - likewise
        files = store.statistics().files
        if files is not None and not files.has_room:
            raise Unfit(FULL)
        return True

    checks = [HealthCheck(name="keys", look=has_keys, shared=True)]
    checks.append(HealthCheck(name="store", look=has_store, shared=not is_own))
    return [*checks, HealthCheck(name="disk", look=has_room)] if is_own else checks
