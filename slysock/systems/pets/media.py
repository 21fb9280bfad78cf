"""Files in chats: which chat each is in, and so who may see it; how many messages refer to it; whose room it takes.

What is kept of a file, in the reference of its name: its chat, its owner, its size, and how many messages refer to it.
That changes in the transaction that stores or deletes such a message, and so does what is kept of the owner. Files of
earlier versions are not counted: they go with the message of their owner.
"""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final, final

from slysock.systems.domain import Invalid, NotFound
from slysock.systems.domain.chats import Chats
from slysock.systems.domain.references import References
from slysock.systems.uploads import (
    MediaFolder,
    MediaName,
    Quotas,
    StoredFile,
    Upload,
    maybe_name,
    without_file,
)
from slysock_store import Chat, ChatId, JsonObject, Message, ReferenceChange, UserKey

from .views import maybe_media_url

FILES: Final = "media"
USAGE: Final = "uploads"
"""Kinds of references: what is kept of a file, and of a user's files."""

MISSING_FILE: Final = "File not found"

_ADDRESS: Final = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_CHAT: Final = "chatId"
_OWNER: Final = "ownerId"
_SIZE: Final = "size"
_USES: Final = "uses"
_WITHDRAWN: Final = "isWithdrawn"


@final
class Media:
    """The files of this system, their chats and their owners."""

    def __init__(
        self, folder: MediaFolder, chats: Chats, *, files: References, usage: References, quotas: Quotas
    ) -> None:
        self.folder = folder
        self._chats = chats
        self._files = files
        self._usage = usage
        self._quotas = quotas

    async def allowance(self, owner: UserKey) -> Callable[[int], None]:
        """Return what refuses a file of a size with which this user's files would be too many; see `Quotas.refuse`."""
        kept = await self._usage.maybe_get(owner)
        return partial(self._refuse, None if kept is None else kept.data)

    def _refuse(self, kept: JsonObject | None, size: int) -> None:
        self._quotas.refuse(kept, size, _today())

    def registered(
        self, name: MediaName, upload: Upload, chat: Chat, owner: UserKey
    ) -> tuple[ReferenceChange, ReferenceChange]:
        """Describe what changes with the message of a new file.

        Storing it raises what `Quotas.refuse` does.
        """
        about: JsonObject = {_CHAT: chat.id, _OWNER: owner, _SIZE: upload.size, "mimeType": upload.kind.mime, _USES: 1}
        return (
            self._usage.change(owner, lambda kept: self._quotas.with_file(kept, upload.size, _today())),
            self._files.change(name, lambda _: about),
        )

    def used_by(self, url: str) -> tuple[ReferenceChange, ...]:
        """Describe what changes with a message that refers to a file, or to an address elsewhere.

        Storing it raises NotFound if the file is no longer there.
        """
        name = maybe_name(url)
        return () if name is None else (self._files.change(name, _used_once_more),)

    @asynccontextmanager
    async def released_by(self, message: Message) -> AsyncGenerator[Sequence[ReferenceChange], None]:
        """Yield what changes when a message is deleted; remove its file afterwards if no other refers to it.

        Can be repeated.
        """
        name = maybe_name(maybe_media_url(message) or "")
        file = None if name is None else await self._files.maybe_get(name)
        if name is None or file is None:
            yield ()
            return
        release = _Release(message)
        async with self.folder.in_doubt(name, str(file.data.get(_CHAT))):
            yield (
                self._files.change(name, release.change_file),
                self._usage.change(str(file.data.get(_OWNER)), release.change_usage),
            )
            if release.is_last or _is_withdrawn(file.data):
                await self.folder.remove(name)

    async def is_needed(self, name: MediaName, chat_id: str) -> bool | None:
        """Decide about a file that was left in doubt, by its chat; an `IsNeeded`."""
        file = await self._files.maybe_get(name)
        if file is not None:
            return not _is_withdrawn(file.data)
        return False if await self._chats.exists(ChatId(chat_id)) else None

    async def check(self, url: str, chat: Chat) -> None:
        """Let a message refer to a file that was sent to its own chat, or to an address elsewhere.

        Raises:
            Invalid: the value is neither a name nor an address.
            NotFound: no such file in this chat.
        """
        name = maybe_name(url)
        if name is None and not _ADDRESS.fullmatch(url):
            raise Invalid("Invalid media")
        if name is not None and (await self._record(name)).get(_CHAT) != chat.id:
            raise NotFound(MISSING_FILE)

    async def open(self, text: str, *, user: UserKey) -> tuple[MediaName, StoredFile]:
        """Open a file for a participant of its chat. The caller closes it.

        Raises:
            NotFound: it does not exist, or is not theirs.
            FolderBroken: it cannot be read.
        """
        name = maybe_name(text)
        if name is None:
            raise NotFound(MISSING_FILE)
        chat_id = (await self._record(name)).get(_CHAT)
        try:
            await self._chats.get(ChatId(str(chat_id)), user=user)
            return name, await self.folder.open(name)
        except (NotFound, FileNotFoundError) as error:
            raise NotFound(MISSING_FILE) from error

    async def _record(self, name: MediaName) -> JsonObject:
        file = await self._files.maybe_get(name)
        if file is None or _is_withdrawn(file.data):
            raise NotFound(MISSING_FILE)
        return file.data


@final
class _Release:
    """What deleting a message changes, first in its file and then in what is kept of the owner.

    Attributes:
        is_last: no other message refers to the file.
    """

    def __init__(self, message: Message) -> None:
        self._message = message
        self._freed_bytes = 0
        self.is_last = False

    def change_file(self, file: JsonObject | None) -> JsonObject | None:
        """Count one message less."""
        self.is_last, self._freed_bytes = False, 0
        if file is None or _is_withdrawn(file):
            return None
        uses, size = file.get(_USES), file.get(_SIZE)
        if isinstance(uses, int):
            self.is_last, self._freed_bytes = uses <= 1, size if isinstance(size, int) and uses <= 1 else 0
            return {**file, _USES: uses - 1, _WITHDRAWN: self.is_last}
        self.is_last = file.get(_OWNER) == self._message.sender
        return {**file, _WITHDRAWN: True} if self.is_last else None

    def change_usage(self, kept: JsonObject | None) -> JsonObject | None:
        """Give the owner the room back."""
        return without_file(kept, self._freed_bytes) if self._freed_bytes else None


def _used_once_more(file: JsonObject | None) -> JsonObject | None:
    if file is None or _is_withdrawn(file):
        raise NotFound(MISSING_FILE)
    uses = file.get(_USES)
    return {**file, _USES: uses + 1} if isinstance(uses, int) else None


def _is_withdrawn(file: JsonObject) -> bool:
    return file.get(_WITHDRAWN) is True


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
