"""How admins close, reopen, resolve and rename conversations."""

from typing import Final, final

from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import Announcements
from slysock_store import ChatChanges

from .access import MISSING_CONVERSATION, Access
from .announcing import Announcer
from .opening import require_role
from .payloads import UpdateConversation
from .people import ADMIN, Person
from .sending import CLOSED, Sending
from .shapes import ConversationShape
from .views import SUBJECT, conversation_shape

MAY_UPDATE: Final = frozenset({ADMIN})

CLOSED_TEXT: Final = "تم إغلاق المحادثة"
"""The last message of the closed conversation in the document."""


@final
class Changing:
    """Changes to conversations."""

    def __init__(self, access: Access, all_chats: AllChats, sending: Sending, announcer: Announcer) -> None:
        self._access = access
        self._all_chats = all_chats
        self._sending = sending
        self._announcer = announcer

    async def update(
        self, admin: Person, conversation_id: str, wanted: UpdateConversation, behind: Announcements
    ) -> ConversationShape:
        """Change a conversation and tell those who have it open; closing it adds a message that says so.

        Raises:
            NotAllowed: it is not an admin.
            NotFound: no such conversation.
        """
        require_role(admin, MAY_UPDATE)
        before = await self._access.conversation(admin, conversation_id)
        changes = ChatChanges(status=wanted.status, extra={} if wanted.subject is None else {SUBJECT: wanted.subject})
        chat = await self._all_chats.change(before.id, changes, missing=MISSING_CONVERSATION)
        if chat.status == CLOSED != before.status:
            chat = (await self._sending.say(chat, CLOSED_TEXT, behind)).chat
        last, users = await self._access.last_message(chat), await self._access.people_in((chat,))
        self._announcer.conversation_updated(behind, chat, last, users)
        return conversation_shape(chat, admin.key, last, users)
