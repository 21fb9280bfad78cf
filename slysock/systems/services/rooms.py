"""The root namespace, and the rooms of this system in it.

The rooms of tickets, the dashboard and notifications have the document's names. Its names for the others are bare ids,
and other systems share this namespace, with users and chats of their own: so those have a prefix.
"""

from typing import Final

from slysock_store import UserKey

ROOT: Final = "/"

EVERYBODY: Final = "services:everybody"
"""The room of whoever has sent `user-join`."""

DASHBOARD: Final = "support_dashboard"


def personal_room(user: UserKey) -> str:
    """Return the room of a user's sockets."""
    return f"services:user:{user}"


def bearer_room(user: UserKey) -> str:
    """Return the room of the sockets that speak for a user; in the personal one, admins may look on."""
    return f"services:bearer:{user}"


def notification_room(user: UserKey) -> str:
    """Return the room of those who get a user's notifications."""
    return f"notifications_{user}"


def chat_room(chat_id: str) -> str:
    """Return the room of those who have a chat open."""
    return f"services:chat:{chat_id}"


def ticket_room(ticket_id: str) -> str:
    """Return the room of those who have a ticket open."""
    return f"support_ticket_{ticket_id}"
