"""The events of `/support`. Messages are sent by HTTP; here they are only received."""

from slysock import Router

from .failures import answer_error
from .rooms import NAMESPACE
from .service import Support


def make_routers(service: Support) -> tuple[Router, ...]:
    """Make the router of the namespace."""
    router = Router(NAMESPACE)
    router.on_connect(service.connecting.connect)
    router.on_disconnect(service.connecting.disconnect)
    router.on_error(answer_error)
    router.on("join-conversation")(service.reading.join_conversation)
    router.on("leave-conversation")(service.reading.leave_conversation)
    router.on("refreshToken")(service.sessions.refresh_token)
    return (router,)
