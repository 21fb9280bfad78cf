"""What the back-end that owns users and orders reports."""

from typing import final

from slysock.systems.domain import Domain
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.manage import Manage, UserPresence, UserRecord, resource, user_presence
from slysock_store import UserKey

from .orders import Orders
from .payloads import OrderRecord
from .people import word_of
from .sessions import Sessions
from .shapes import OrderShape, PersonShape
from .views import person_shape


@final
class Managing:
    """The system's part of the management API."""

    def __init__(self, domain: Domain, sessions: Sessions, orders: Orders, outgoing: OutgoingOrder) -> None:
        self._domain = domain
        self._sessions = sessions
        self._orders = orders
        self._outgoing = outgoing

    async def put_user(self, user_id: str, record: UserRecord) -> PersonShape:
        """Create or update a user."""
        key = UserKey(user_id)
        user = await self._domain.users.sign_in(key, role=word_of(record.role), profile=record.profile())
        self._sessions.forget(key)
        return person_shape(key, {key: user})

    async def put_order(self, order_id: str, record: OrderRecord) -> OrderShape:
        """Create or update an order; if it is over, its chat is closed and those in it are told."""
        with self._outgoing.after_answer() as behind:
            order = await self._orders.put_order(order_id, record, behind)
            behind.release()
        return order

    async def presence(self, user_id: str, user_type: str | None) -> UserPresence:  # noqa: ARG002 - ids are unique here
        """Return whether a user is connected."""
        key = UserKey(user_id)
        known = (await self._domain.users.find((key,))).get(key)
        return user_presence(user_id, [known], sockets=self._domain.online.connections_of(key))


def make_manage(managing: Managing) -> Manage:
    """Declare what the management API can do."""
    return Manage(
        resources=(
            resource("users", UserRecord, managing.put_user, doc="Create or update a user: role, name, profile."),
            resource(
                "orders",
                OrderRecord,
                managing.put_order,
                doc="Create or update an order; the statuses `delivered` and `cancelled` close its chat.",
            ),
        ),
        presence=managing.presence,
    )
