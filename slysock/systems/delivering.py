"""Emitting what is to be received: once to each socket, and marked as delivered when one of its user's has it."""

from collections.abc import Iterable

from slysock import Namespace, Socket
from slysock_store import UserKey

from .domain.deliveries import Deliveries


def deliver(
    namespace: Namespace,
    rooms: Iterable[str],
    event: str,
    payload: object,
    *,
    item: str,
    receivers: Iterable[tuple[UserKey, Socket]],
    deliveries: Deliveries,
) -> None:
    """Send a message or a notification to rooms, except to sockets that have been sent it. Does not wait.

    Args:
        namespace: where the rooms are.
        rooms: who gets it.
        event: as clients know it.
        payload: its argument.
        item: its id.
        receivers: those in the rooms by whom it counts as delivered, and their sockets.
        deliveries: where that is noted.
    """
    found = list(receivers)
    held = {holder for user in {user for user, _ in found} for holder in deliveries.holders(user, item)}
    namespace.to(*rooms).except_(*held).emit(event, payload)
    for user, socket in found:
        if socket.id not in held:
            deliveries.sent(user, (socket,), (item,))
