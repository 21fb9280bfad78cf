"""What another back-end reports the marketplace: users, products, notifications; and what it may ask."""

import re
from typing import Final, final

import msgspec

from slysock.systems.domain import Domain, Invalid
from slysock.systems.domain.references import References
from slysock.systems.domain.times import wire_time
from slysock.systems.ids import MAX_INTEGER
from slysock.systems.manage import Manage, NewNotice, UserPresence, UserRecord, notifications, resource, user_presence
from slysock_store import JsonObject, UserKey

from .notifications import NotificationEvents
from .payloads import ProductRecord
from .people import Person, Role
from .profiles import customer_shape, vendor_shape
from .sessions import Sessions
from .shapes import CustomerShape, NotificationShape, ProductShape, VendorShape

PRODUCT_KIND: Final = "product"
_DIGITS: Final = re.compile(r"[0-9]{1,16}")


@final
class Managing:
    """The marketplace's part of the management API."""

    def __init__(
        self, domain: Domain, sessions: Sessions, products: References, notifications: NotificationEvents
    ) -> None:
        self._domain = domain
        self._sessions = sessions
        self._products = products
        self._notifications = notifications

    async def put_user(self, user_id: str, record: UserRecord) -> CustomerShape | VendorShape:
        """Create or update a user; live sessions show the new profile from now on."""
        person = Person(_role(record.role), _number(user_id))
        user = await self._domain.users.sign_in(person.key, role=person.role, profile=record.profile())
        self._sessions.renew(user)
        return vendor_shape(person, user) if person.role is Role.VENDOR else customer_shape(person, user)

    async def put_product(self, product_id: str, record: ProductRecord) -> ProductShape:
        """Create or replace a product."""
        fields: JsonObject = msgspec.to_builtins(record)
        known = {name: value for name, value in fields.items() if value is not None}
        reference = await self._products.put(product_id, known)
        return ProductShape(
            id=product_id,
            product=reference.data,
            created_at=wire_time(reference.created_at),
            updated_at=wire_time(reference.updated_at),
        )

    async def notify(self, notice: NewNotice) -> NotificationShape:
        """Store a notification, and send it to its user now or when they connect."""
        user = await self._only_user(_number(str(notice.user_id)), notice.user_type)
        return await self._notifications.notify(user, notice)

    async def presence(self, user_id: str, user_type: str | None) -> UserPresence:
        """Return whether a user is online; without a role, the user of either role with this id."""
        number = _number(user_id)
        people = [Person(role, number) for role in (Role if user_type is None else (_role(user_type),))]
        known = await self._domain.users.find(person.key for person in people)
        sockets = sum(self._domain.online.connections_of(person.key) for person in people)
        return user_presence(number, known.values(), sockets=sockets)

    async def _only_user(self, number: int, user_type: str | None) -> UserKey:
        """Return whom an id means: ids are unique per role only.

        Raises:
            Invalid: it may mean either of two users.
        """
        if user_type is not None:
            return Person(_role(user_type), number).key
        known = await self._domain.users.find(Person(role, number).key for role in Role)
        if len(known) != 1:
            raise Invalid("Expected `userType`, CUSTOMER or VENDOR: the id alone is ambiguous")
        return next(iter(known))


def make_manage(managing: Managing) -> Manage:
    """Declare what the management API can do."""
    return Manage(
        resources=(
            resource("users", UserRecord, managing.put_user, doc="Create or update a customer or vendor."),
            resource("products", ProductRecord, managing.put_product, doc="Create or replace a product."),
        ),
        presence=managing.presence,
        notifications=notifications(NewNotice, managing.notify),
    )


def _role(text: str) -> Role:
    role = text.upper()
    if role not in Role.__members__:
        raise Invalid("Expected CUSTOMER or VENDOR as the role of a user")
    return Role[role]


def _number(text: str) -> int:
    number = int(text) if _DIGITS.fullmatch(text) else -1
    if not 0 <= number <= MAX_INTEGER:
        raise Invalid("Expected an integer as the id of a user")
    return number
