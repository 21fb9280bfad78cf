"""What another back-end reports this system, and what it may ask for."""

from typing import Final, final

from slysock.systems.domain import Domain
from slysock.systems.domain.references import References
from slysock.systems.ids import normal_role
from slysock.systems.manage import Manage, UserPresence, UserRecord, resource, user_presence
from slysock_store import UserKey

from .payloads import ListingImage, ListingRecord
from .sessions import Sessions
from .shapes import ListingShape, PersonShape
from .views import listing_shape, person_shape

LISTING_KIND: Final = "listing"


@final
class Managing:
    """Users and listings as they are reported."""

    def __init__(self, domain: Domain, sessions: Sessions, listings: References) -> None:
        self._domain = domain
        self._sessions = sessions
        self._listings = listings

    async def put_user(self, user_id: str, record: UserRecord) -> PersonShape:
        """Create or update a user, also in the sessions of live sockets."""
        key = UserKey(user_id)
        user = await self._domain.users.sign_in(key, role=normal_role(record.role), profile=record.profile())
        self._sessions.renew(user)
        return person_shape(key, {key: user})

    async def put_listing(self, pet_id: str, record: ListingRecord) -> ListingShape:
        """Create or replace a listing. Its owner takes part in chats that are created from now on."""
        images = [_address(image) for image in record.images]
        listing = await self._listings.put(
            pet_id,
            {
                "title": record.title,
                "images": [{"url": url} for url in images],
                "price": record.price,
                "address": record.address,
                "ownerId": record.owner_id,
            },
        )
        return listing_shape(pet_id, {pet_id: listing})

    async def presence(self, user_id: str, user_type: str | None = None) -> UserPresence:  # noqa: ARG002 - ids are unique
        """Return whether a user has sent `online` on a socket that is still connected."""
        key = UserKey(user_id)
        user = (await self._domain.users.find([key])).get(key)
        sockets = self._domain.listening.connections_of(key)
        return user_presence(user_id, [user], sockets=sockets, is_online=self._domain.online.is_here(key))


def make_manage(managing: Managing) -> Manage:
    """Declare what the management API can do."""
    return Manage(
        resources=(
            resource("users", UserRecord, managing.put_user, doc="Create or update a user."),
            resource("listings", ListingRecord, managing.put_listing, doc="Create or replace the listing of a pet."),
        ),
        presence=managing.presence,
    )


def _address(image: ListingImage | str) -> str:
    return image if isinstance(image, str) else image.url
