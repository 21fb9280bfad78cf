"""The system put together, and what Python code of the same process can do with it."""

import logging
from typing import Final, final

from slysock import Router, Server
from slysock.systems.domain import make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.posts import Posts
from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock.systems.manage.resources import Manage, UserPresence, notifications, resource
from slysock_store import SystemName

from .access import Access
from .failures import answer_error
from .managing import ChatRecord, ChatShape, Managing, TicketRecord, TicketShape, UserRecord
from .notifications import NewNotice, NotificationEvents
from .people import key_of
from .presence import PresenceEvents
from .sending import Sending
from .shapes import NotificationShape, SenderShape
from .statuses import Statuses
from .tickets import Tickets
from .typing_signals import TypingSignals

logger = logging.getLogger("slysock.systems")

NAME: Final = SystemName("services")
ROOT: Final = "/"


@final
class Services:
    """Chats, notifications, presence and tickets of one server.

    Attributes:
        router: its events, without the door of the root namespace.
    """

    def __init__(self, foundation: Foundation) -> None:
        if foundation.settings.trust_user_join:
            logger.warning("services: whoever carries no token is believed to be whom their user-join names")
        domain = make_domain(foundation.store, NAME)
        all_chats, posts = AllChats(foundation.store, NAME), Posts(foundation.store, NAME)
        told = Notifications(foundation.store, NAME, listening=domain.listening)
        trust = foundation.settings.trust_user_join
        self._emitter = Emitter(ROOT)
        access = Access(domain, all_chats, foundation.admission, self._emitter, trust_user_join=trust)
        self._statuses = Statuses(domain.online)
        self._notices = NotificationEvents(domain, told, access, self._emitter)
        self._presence = PresenceEvents(domain, access, self._statuses)
        self._managing = Managing(domain, all_chats, access)
        self.router = Router(ROOT)
        self.router.on_error(answer_error)
        _add_presence(self.router, self._presence)
        _add_chats(self.router, Sending(domain, posts, access, self._statuses), TypingSignals(access))
        _add_notices(self.router, self._notices)
        _add_tickets(self.router, Tickets(domain, posts, access))

    def started(self, server: Server) -> None:
        """Learn where the clients are."""
        self._emitter.bind(server)

    async def put_user(self, user_id: str, user: UserRecord) -> SenderShape:
        """See `Managing.put_user`."""
        return await self._managing.put_user(user_id, user)

    async def put_chat(self, chat_id: str, chat: ChatRecord) -> ChatShape:
        """See `Managing.put_chat`."""
        return await self._managing.put_chat(chat_id, chat)

    async def put_ticket(self, ticket_id: str, ticket: TicketRecord) -> TicketShape:
        """See `Managing.put_ticket`."""
        return await self._managing.put_ticket(ticket_id, ticket)

    async def notify(self, notice: NewNotice) -> NotificationShape:
        """See `NotificationEvents.notify`."""
        return await self._notices.notify(notice)

    async def presence(self, user_id: str, user_type: str | None = None) -> UserPresence:
        """See `PresenceEvents.presence`."""
        return await self._presence.presence(user_id, user_type)

    def emit_notification(self, user_id: str | int, notification: object) -> None:
        """See `NotificationEvents.emit`."""
        self._notices.emit(key_of(user_id), notification)

    def has_socket(self, user_id: str | int) -> bool:
        """Tell whether a user has a socket that has said who it is."""
        return self._statuses.has_socket(key_of(user_id))

    @property
    def manage(self) -> Manage:
        """What the management API can do here."""
        return Manage(
            resources=(
                resource("users", UserRecord, self.put_user, doc="Make or refresh a user."),
                resource(
                    "chats", ChatRecord, self.put_chat, doc="Make a chat of a client and a provider, or confirm it."
                ),
                resource("tickets", TicketRecord, self.put_ticket, doc="Make a support ticket, or confirm it."),
            ),
            presence=self.presence,
            notifications=notifications(NewNotice, self.notify),
        )


def _add_presence(router: Router, events: PresenceEvents) -> None:
    router.on_disconnect(events.disconnect)
    router.on("user-join")(events.user_join)
    router.on("set-online-status")(events.set_online_status)
    router.on("get-online-status")(events.get_online_status)


def _add_chats(router: Router, chats: Sending, typing: TypingSignals) -> None:
    router.on("join-chat")(chats.join_chat)
    router.on("leave-chat")(chats.leave_chat)
    router.on("send-message")(chats.send_message)
    router.on("mark-messages-read")(chats.mark_messages_read)
    router.on("typing-start")(typing.start)
    router.on("typing-stop")(typing.stop)


def _add_notices(router: Router, notices: NotificationEvents) -> None:
    router.on("join-notifications")(notices.join)
    router.on("mark-notification-read")(notices.mark_read)
    router.on("mark-all-notifications-read")(notices.mark_all_read)
    router.on("get-unread-count")(notices.unread_count)


def _add_tickets(router: Router, tickets: Tickets) -> None:
    router.on("join-support-ticket")(tickets.join_ticket)
    router.on("join-support-dashboard")(tickets.join_dashboard)
    router.on("support-message")(tickets.send)
    router.on("support-typing-start")(tickets.start_typing)
    router.on("support-typing-stop")(tickets.stop_typing)
    router.on("mark-message-read")(tickets.mark_read)
