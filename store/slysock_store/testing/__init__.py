"""The contract of a store as checks that any backend can run.

Each check is a coroutine function that takes a way to open the backend on an empty database and raises AssertionError
when the contract is broken. With pytest they are parameters::

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    async def test_contract(check: Check, open_store: OpenStore) -> None:
        await check(open_store)

`DURABLE_CHECKS` need a backend that keeps its records when it is closed.
"""

from collections.abc import Callable

from . import chats, messages, races, receipts, users, waiting
from .harness import Check, OpenStore, SettableClock, audit

CHECKS: tuple[Check, ...] = (
    *users.CHECKS,
    *chats.CHECKS,
    *messages.CHECKS,
    *receipts.CHECKS,
    *waiting.CHECKS,
    *races.CHECKS,
)
DURABLE_CHECKS: tuple[Check, ...] = races.DURABLE_CHECKS


async def check_store(new_place: Callable[[], OpenStore], *, is_durable: bool = True) -> None:
    """Run the whole contract, each check on an empty place of its own.

    Raises:
        AssertionError: the first check that does not hold, with its name.
    """
    for check in CHECKS + (DURABLE_CHECKS if is_durable else ()):
        try:
            await check(new_place())
        except AssertionError as error:
            raise AssertionError(f"{getattr(check, '__name__', check)}: {error}") from error


__all__ = ["CHECKS", "DURABLE_CHECKS", "Check", "OpenStore", "SettableClock", "audit", "check_store"]
