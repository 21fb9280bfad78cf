"""The management API: how another back-end tells slysock of its users, products, listings, chats, tickets and orders.

A system declares what it can do (`Manage`); the routes are made from that (`manage_area`).
"""

from .presence import UserPresence, user_presence
from .resources import Manage, NewNotice, Notifications, Resource, UserRecord, notifications, resource

__all__ = [
    "Manage",
    "NewNotice",
    "Notifications",
    "Resource",
    "UserPresence",
    "UserRecord",
    "notifications",
    "resource",
    "user_presence",
]
