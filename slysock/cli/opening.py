"""What several commands begin with: a store, opened or explained."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from slysock.cli.settings import SettingsError, database_file, make_folder
from slysock_store import Store, StoreError, open_store


@asynccontextmanager
async def opened_store(url: str) -> AsyncGenerator[Store, None]:
    """Open the store; only what keeps it from opening is the operator's to put right, so only that is translated.

    Raises:
        SettingsError: it cannot be opened.
    """
    file = database_file(url)
    if file is not None:
        make_folder(file)
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_store(url))
        except* StoreError as group:
            raise SettingsError(f"cannot open the store {without_password(url)}: {first_of(group)}") from None
        yield store


def without_password(url: str) -> str:
    """Show a store's address to people: `mongodb://name:secret@host/chat` without the secret."""
    return re.sub(r"(?<=://)([^/@:]*):[^@/]*@", r"\1:***@", url)


def first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    """Give the first exception in a group of groups."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
