"""The events of each namespace, and what handles them."""

from slysock import Router

from .failures import answer_error
from .rooms import CHAT, NOTIFICATION, PRESENCE
from .service import Marketplace, SocketConnecting


def make_routers(service: Marketplace) -> tuple[Router, ...]:
    """Make the router of each namespace."""
    return (
        _router(PRESENCE, service, service.presence),
        _chat_router(service),
        _router(NOTIFICATION, service, service.notification),
    )


def _router(namespace: str, service: Marketplace, connecting: SocketConnecting) -> Router:
    """Make a router with what every namespace has."""
    router = Router(namespace)
    router.on_connect(connecting.connect)
    router.on_disconnect(connecting.disconnect)
    router.on_error(answer_error)
    router.on("refreshToken")(service.sessions.refresh_token)
    return router


def _chat_router(service: Marketplace) -> Router:
    router = _router(CHAT, service, service.chat)
    router.on("sendMessage")(service.sending.send_message)
    router.on("joinChat")(service.reading.join_chat)
    router.on("markAsRead")(service.reading.mark_as_read)
    router.on("getUserChats")(service.reading.get_user_chats)
    router.on("joinRooms")(service.reading.join_rooms)
    router.on("deleteMessage")(service.changing.delete_message)
    router.on("typing")(service.typing.typing)
    router.on("stoppedTyping")(service.typing.stopped_typing)
    return router
