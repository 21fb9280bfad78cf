"""A profile is made of few claims of a token."""

from slysock.identity import Identity
from slysock.systems.claims import profile_of


def test_a_profile_holds_the_allowed_claims_that_are_not_null() -> None:
    claims = {"id": 1, "name": "A", "email": "e", "store": [{"id": 1}], "password": "p", "iss": "i", "lastName": None}
    identity = Identity(user_id=1, role=None, expires_at=None, claims=claims)
    assert profile_of(identity) == {"name": "A", "email": "e", "store": [{"id": 1}]}
