"""What several commands begin with: run on Trio, and open the store or say why it cannot be opened."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar, TypeVarTuple

from slysock.cli.keys import database_file, make_folder
from slysock.cli.settings import SettingsError
from slysock.process import run_to_the_end
from slysock_store import Store, StoreError, open_store

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run(work: Callable[[*Ts], Awaitable[T]], *args: *Ts, expected: tuple[type[Exception], ...] = (SettingsError,)) -> T:
    """Run a command's work on Trio and return its result.

    Raises:
        Exception: one of those expected, taken out of the groups that the work's nurseries have wrapped it in.
    """
    trouble: Exception | None = None
    try:
        return run_to_the_end(work, *args)
    except* expected as group:
        trouble = first_of(group)
    assert trouble is not None
    raise trouble


@asynccontextmanager
async def opened_store(url: str, *, wait_seconds: float = 0.0, min_free_bytes: int = 0) -> AsyncGenerator[Store, None]:
    """Open the store. Only what keeps it from opening becomes a SettingsError: the operator can put that right.

    Args:
        url: of the store.
        wait_seconds: how long to wait for another server that has it open.
        min_free_bytes: what is kept free on its disk.

    Raises:
        SettingsError: it cannot be opened.
    """
    file = database_file(url)
    if file is not None:
        make_folder(file)
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(
                open_store(url, wait_seconds=wait_seconds, min_free_bytes=min_free_bytes)
            )
        except* StoreError as group:
            raise SettingsError(f"cannot open the store {without_password(url)}: {first_of(group)}") from None
        yield store


def without_password(url: str) -> str:
    """Return a store's URL as people may see it: `mongodb://name:secret@host/chat` without the secret."""
    return re.sub(r"(?<=://)([^/@:]*):[^@/]*@", r"\1:***@", url)


def first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    """Return the first exception in a group of groups."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
