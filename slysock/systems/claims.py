"""Which claims of a token become the profile of its user."""

from typing import Final, cast

from slysock.identity import Identity
from slysock_store import JsonObject

PROFILE_CLAIMS: Final = (
    "name",
    "firstName",
    "lastName",
    "fullName",
    "username",
    "email",
    "phone",
    "phoneNumber",
    "profilePicture",
    "profilePictureUrl",
    "profilePhoto",
    "avatar",
    "verified",
    "active",
    "store",
)
"""The claims that update the stored user. An allow-list: others see the profile, so nothing else may get in."""


def profile_of(identity: Identity) -> JsonObject:
    """Return the claims that describe the user, without those that are null."""
    claims = cast("JsonObject", identity.claims)  # decoded from JSON
    return {name: claims[name] for name in PROFILE_CLAIMS if claims.get(name) is not None}
