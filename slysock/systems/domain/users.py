"""Users as the tokens and the back-end describe them."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias, final

from slysock_store import JsonObject, Page, Store, SystemName, User, UserKey

from .errors import translated_store_errors

KnownUsers: TypeAlias = Mapping[UserKey, User]
"""Users by key, without those who are unknown."""


@final
class Users:
    """The users of one system."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system

    async def sign_in(self, key: UserKey, *, role: str, profile: JsonObject) -> User:
        """Create or update a user from what a verified token says."""
        with translated_store_errors():
            return await self._store.upsert_user(self._system, key, role=role, profile=profile)

    async def find(self, keys: Iterable[UserKey]) -> KnownUsers:
        """Return those of the users that are known. Without keys, nothing is read."""
        wanted = tuple(dict.fromkeys(keys))
        if not wanted:
            return {}
        with translated_store_errors():
            return await self._store.get_users(self._system, wanted)

    async def touch(self, key: UserKey) -> User:
        """Record that a user is active now.

        Raises:
            NotFound: the user is unknown.
        """
        with translated_store_errors():
            return await self._store.touch_user(self._system, key)

    async def page_of_role(self, role: str, *, page: int, limit: int) -> Page[User]:
        """List the users of one role, which must be spelt as at their sign-in."""
        with translated_store_errors():
            return await self._store.list_users(self._system, role=role, page=page, limit=limit)
