"""What another back-end tells the marketplace: users, products, notifications; and what it may ask."""

import re
from collections.abc import Iterable
from typing import Annotated, Final, cast, final

import msgspec
from msgspec import Meta, Struct

from slysock.systems.domain import Domain, Invalid
from slysock.systems.domain.notifications import Notice, Notifications
from slysock.systems.domain.references import References
from slysock.systems.domain.times import wire_time
from slysock.systems.manage import Manage, NewNotice, UserPresence, UserRecord, notifications, resource
from slysock_store import Json, JsonObject, User, UserKey

from .announcing import Announcer
from .notifications import NotificationEvents, notification_shape
from .payloads import UserNumber
from .people import MAX_ID, Person, Role
from .profiles import customer_shape, vendor_shape
from .sessions import renew
from .shapes import CustomerShape, NotificationShape, VendorShape

PRODUCT_KIND: Final = "product"
_DIGITS: Final = re.compile(r"[0-9]{1,16}")


@final
class ProductRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """A product, as the back-end that owns it describes it."""

    vendor_id: UserNumber
    name: Annotated[str, Meta(min_length=1, max_length=500)]
    description: str | None = None
    price: str | float | None = None
    discount_price: str | float | None = None
    is_available: bool | None = None
    store_id: int | str | None = None
    category_id: int | str | None = None
    link: str | None = None
    product_image: list[dict[str, object]] | None = None
    attributes: object = None
    additional_info: object = None
    meta_data: object = None


@final
class ProductAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """A product as it is kept."""

    id: str
    product: object
    created_at: str
    updated_at: str


@final
class Managing:
    """The marketplace's part of the management API.

    Args:
        domain: of the marketplace.
        products: likewise.
        notices: likewise.
        events: tell notifications.
        announcer: the users who may be shown to others.
    """

    def __init__(
        self,
        domain: Domain,
        products: References,
        notices: Notifications,
        events: NotificationEvents,
        announcer: Announcer,
    ) -> None:
        self._domain = domain
        self._products = products
        self._notices = notices
        self._events = events
        self._announcer = announcer

    async def put_user(self, user_id: str, record: UserRecord) -> CustomerShape | VendorShape:
        """Make or refresh a user; live sessions show the new profile from now on."""
        person = Person(_role(record.role), _number(user_id))
        user = await self._domain.users.sign_in(person.key, role=person.role, profile=record.profile())
        for socket in self._announcer.sockets_of(person.key):
            renew(socket, user)
        return vendor_shape(person, user) if person.role is Role.VENDOR else customer_shape(person, user)

    async def put_product(self, product_id: str, record: ProductRecord) -> ProductAnswer:
        """Make or replace a product."""
        fields: JsonObject = msgspec.to_builtins(record)
        known = {name: value for name, value in fields.items() if value is not None}
        reference = await self._products.put(product_id, known)
        return ProductAnswer(
            id=product_id,
            product=reference.data,
            created_at=wire_time(reference.created_at),
            updated_at=wire_time(reference.updated_at),
        )

    async def notify(self, notice: NewNotice) -> NotificationShape:
        """Store a notification, and tell its user now or when they come."""
        user = await self._only_user(_number(str(notice.user_id)), notice.user_type)
        new = Notice(
            user=user,
            kind=notice.type,
            content=cast("Json", notice.content),  # decoded from JSON
            channel=notice.channel,
            priority=notice.priority,
        )
        return notification_shape(await self._notices.notify(new, self._events.tell))

    async def presence(self, user_id: str, user_type: str | None) -> UserPresence:
        """Say whether a user is online; without a role, the user of either role with this id."""
        number = _number(user_id)
        people = [Person(role, number) for role in (Role if user_type is None else (_role(user_type),))]
        known = await self._domain.users.find(person.key for person in people)
        sockets = sum(self._domain.online.connections_of(person.key) for person in people)
        return UserPresence(
            user_id=number, is_online=sockets > 0, sockets=sockets, last_active=_last_active(known.values())
        )

    async def _only_user(self, number: int, user_type: str | None) -> UserKey:
        """Find out whom an id means: ids are unique per role only.

        Raises:
            Invalid: it may be either.
        """
        if user_type is not None:
            return Person(_role(user_type), number).key
        known = await self._domain.users.find(Person(role, number).key for role in Role)
        if len(known) != 1:
            raise Invalid("Expected `userType`, CUSTOMER or VENDOR: the id alone does not say who is meant")
        return next(iter(known))


def make_manage(managing: Managing) -> Manage:
    """Describe it for the management API."""
    return Manage(
        resources=(
            resource("users", UserRecord, managing.put_user, doc="Make or refresh a customer or vendor."),
            resource("products", ProductRecord, managing.put_product, doc="Make or replace a product."),
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
    if not 0 <= number <= MAX_ID:
        raise Invalid("Expected an integer as the id of a user")
    return number


def _last_active(users: Iterable[User]) -> str | None:
    """Give when the latest of them was here."""
    moments = [user.last_active for user in users if user.last_active is not None]
    return wire_time(max(moments)) if moments else None
