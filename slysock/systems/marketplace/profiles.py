"""How a user's profile, as given in tokens, looks to the other side.

Profiles come from many back-ends; a field that is missing or of an unexpected type is null, never an error.
"""

from typing import Final, TypeGuard, final

from msgspec import Struct

from slysock.systems.domain.profiles import text_in
from slysock.systems.domain.times import wire_time
from slysock_store import Json, JsonObject, User

from .people import Person
from .shapes import CustomerShape, StoreShape, VendorShape

_NOBODY: Final[JsonObject] = {}


@final
class _Profile(Struct, frozen=True):
    """What is known about a user, field by field."""

    fields: JsonObject

    def text(self, *names: str) -> str | None:
        return text_in(self.fields, *names)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.fields.get(name)
        return value if isinstance(value, bool) else default

    def number_or_text(self, *names: str) -> int | str | None:
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, int | str) and not isinstance(value, bool):
                return value
        return None

    def stores(self) -> list[JsonObject]:
        """Return a vendor's stores; a token may have a list, or a single one."""
        given = self.fields.get("store")
        entries = given if isinstance(given, list | tuple) else [given]
        return [entry for entry in entries if _is_object(entry)]


def _is_object(value: Json) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)


def customer_shape(person: Person, user: User | None) -> CustomerShape:
    """Show a customer; None for an unknown one."""
    profile = _Profile(_NOBODY if user is None else user.profile)
    first_name, last_name = _names(profile)
    return CustomerShape(
        id=None if user is None else user.id,
        user_id=person.id,
        first_name=first_name,
        last_name=last_name,
        profile_picture_url=profile.text("profilePictureUrl", "profilePicture", "avatar"),
        email=profile.text("email"),
        verified=profile.flag("verified", default=False),
        phone_number=profile.text("phoneNumber", "phone"),
        active=profile.flag("active", default=True),
        created_at=None if user is None else wire_time(user.created_at),
        updated_at=None if user is None else wire_time(user.updated_at),
    )


def vendor_shape(person: Person, user: User | None) -> VendorShape:
    """Show a vendor; None for an unknown one."""
    same = customer_shape(person, user)
    return VendorShape(
        id=same.id,
        user_id=same.user_id,
        first_name=same.first_name,
        last_name=same.last_name,
        profile_picture_url=same.profile_picture_url,
        email=same.email,
        verified=same.verified,
        phone_number=same.phone_number,
        active=same.active,
        created_at=same.created_at,
        updated_at=same.updated_at,
        store=[]
        if user is None
        else [_store(_Profile(entry), user, person) for entry in _Profile(user.profile).stores()],
    )


def _names(profile: _Profile) -> tuple[str | None, str | None]:
    first, last = profile.text("firstName"), profile.text("lastName")
    whole = profile.text("name", "fullName", "username")
    if first is None and last is None and whole is not None:
        first, _, rest = whole.strip().partition(" ")
        last = rest.strip() or None
    return first, last


def _store(entry: _Profile, vendor: User, person: Person) -> StoreShape:
    record_id = entry.number_or_text("id", "_id")
    return StoreShape(
        id=None if record_id is None else str(record_id),
        name=entry.text("name"),
        vendor_id=person.id,
        store_id=entry.number_or_text("storeId", "id", "_id"),
        store_logo_url=entry.text("storeLogoUrl"),
        created_at=entry.text("createdAt") or wire_time(vendor.created_at),
        updated_at=entry.text("updatedAt") or wire_time(vendor.updated_at),
    )
