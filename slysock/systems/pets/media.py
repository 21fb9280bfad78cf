"""Files in chats: which chat each is in, and so who may see it."""

import re
from typing import Final, final

from slysock.systems.domain import Invalid, NotFound
from slysock.systems.domain.chats import Chats
from slysock.systems.domain.references import References
from slysock.systems.uploads import MediaFolder, MediaName, StoredFile, Upload, maybe_name
from slysock_store import Chat, ChatId, JsonObject, Message, UserKey

from .views import maybe_media_url

REFERENCE_KIND: Final = "media"
MISSING_FILE: Final = "File not found"

_ADDRESS: Final = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_CHAT: Final = "chatId"
_OWNER: Final = "ownerId"
_WITHDRAWN: Final = "isWithdrawn"


@final
class Media:
    """The files of this system, and their chats."""

    def __init__(self, folder: MediaFolder, chats: Chats, files: References) -> None:
        self.folder = folder
        self._chats = chats
        self._files = files

    async def register(self, upload: Upload, chat: Chat, owner: UserKey) -> MediaName:
        """Record the chat of a complete upload and move the file to its name. Call `want` on it so that it stays."""
        name = await upload.keep()
        await self._files.put(name, {_CHAT: chat.id, _OWNER: owner, "size": upload.size, "mimeType": upload.kind.mime})
        return name

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

    async def withdraw(self, message: Message) -> None:
        """Remove the file of a deleted message, if its sender has sent it. Can be repeated."""
        name = maybe_name(maybe_media_url(message) or "")
        file = None if name is None else await self._files.maybe_get(name)
        if name is None or file is None or file.data.get(_OWNER) != message.sender:
            return
        await self._files.put(name, {**file.data, _WITHDRAWN: True})
        await self.folder.remove(name)

    async def _record(self, name: MediaName) -> JsonObject:
        file = await self._files.maybe_get(name)
        if file is None or file.data.get(_WITHDRAWN) is True:
            raise NotFound(MISSING_FILE)
        return file.data
