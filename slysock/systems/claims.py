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
"""What refreshes the stored user. A list of the allowed: other people are shown a profile, so nothing else gets in."""


def profile_of(identity: Identity) -> JsonObject:
    """Pick the claims that describe the user; those that are null are left out."""
    claims = cast("JsonObject", identity.claims)  # decoded from JSON
    return {name: claims[name] for name in PROFILE_CLAIMS if claims.get(name) is not None}
