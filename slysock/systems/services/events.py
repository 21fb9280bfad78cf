"""The events of this system in the root namespace, and what handles them."""

from slysock import Router

from .failures import answer_error
from .rooms import ROOT
from .service import Services


def make_routers(service: Services) -> tuple[Router, ...]:
    """Make the router; the door of the root namespace is another one."""
    router = Router(ROOT)
    router.on_disconnect(service.presence.disconnect)
    router.on_error(answer_error)
    router.on("user-join")(service.presence.user_join)
    router.on("set-online-status")(service.presence.set_online_status)
    router.on("get-online-status")(service.presence.get_online_status)
    router.on("join-chat")(service.reading.join_chat)
    router.on("leave-chat")(service.reading.leave_chat)
    router.on("send-message")(service.sending.send_message)
    router.on("mark-messages-read")(service.reading.mark_messages_read)
    router.on("typing-start")(service.typing.start)
    router.on("typing-stop")(service.typing.stop)
    router.on("join-notifications")(service.notifications.join)
    router.on("mark-notification-read")(service.notifications.mark_read)
    router.on("mark-all-notifications-read")(service.notifications.mark_all_read)
    router.on("get-unread-count")(service.notifications.unread_count)
    router.on("join-support-ticket")(service.tickets.join_ticket)
    router.on("join-support-dashboard")(service.tickets.join_dashboard)
    router.on("support-message")(service.tickets.send)
    router.on("support-typing-start")(service.tickets.start_typing)
    router.on("support-typing-stop")(service.tickets.stop_typing)
    router.on("mark-message-read")(service.tickets.mark_read)
    return (router,)
