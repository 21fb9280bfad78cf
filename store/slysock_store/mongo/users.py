"""Queries and changes of users."""

from collections.abc import Mapping, Sequence

import msgspec
from pymongo import ReturnDocument

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import JsonObject, Page, SystemName, User, UserId, UserKey
from slysock_store.times import from_milliseconds

from .documents import Document, encode
from .filters import one_of, where
from .layout import BY_KEY, Snapshot
from .records import user_document, user_of, user_record
from .transaction import Transaction


def get_user(snapshot: Snapshot, system: SystemName, key: UserKey) -> User | None:
    """See `Store.get_user`."""
    found = snapshot.find_one(snapshot.collections.users, where(system=system, key=key))
    return None if found is None else user_of(found)


def get_users(snapshot: Snapshot, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
    """See `Store.get_users`."""
    wanted: Document = {**where(system=system), "key": one_of(keys)}
    return {user.key: user for user in map(user_of, snapshot.find(snapshot.collections.users, wanted))}


def list_users(snapshot: Snapshot, system: SystemName, role: str, window: paging.Window) -> Page[User]:
    """See `Store.list_users`."""
    users, wanted = snapshot.collections.users, where(system=system, role=role)
    total = snapshot.count(users, wanted)
    found = snapshot.find(users, wanted, order=BY_KEY, skip=window.offset(total), limit=window.limit)
    return Page(items=tuple(map(user_of, found)), page=window.page, limit=window.limit, total_records=total)


def upsert_user(tx: Transaction, system: SystemName, key: UserKey, role: str, profile: JsonObject) -> User:
    """See `Store.upsert_user`."""
    user = get_user(tx.reading(), system, key)
    if user is None:
        return _insert(tx, system, key, role, profile)
    merged = {**user.profile, **profile}
    if merged == user.profile and role == user.role:
        return user
    changed = msgspec.structs.replace(user, role=role, profile=merged, updated_at=from_milliseconds(tx.now))
    document = user_document(changed)
    raw = encode(document)
    collections, session = tx.direct()
    collections.users.replace_one(where(_id=user.id), raw, session=session)
    return user_record(document)


def _insert(tx: Transaction, system: SystemName, key: UserKey, role: str, profile: JsonObject) -> User:
    now = from_milliseconds(tx.now)
    user = User(
        id=UserId(tx.new_id()),
        system=system,
        key=key,
        role=role,
        profile=profile,
        last_active=None,
        created_at=now,
        updated_at=now,
    )
    document = user_document(user)
    raw = encode(document)
    collections, session = tx.direct()
    collections.users.insert_one(raw, session=session)
    return user_record(document)


def touch_user(tx: Transaction, system: SystemName, key: UserKey) -> User:
    """See `Store.touch_user`."""
    wanted = where(system=system, key=key)
    if get_user(tx.reading(), system, key) is None:
        raise NotFound("user", key)
    changes: Document = {"$set": {"last_active": from_milliseconds(tx.now)}}
    collections, session = tx.direct()
    found = collections.users.find_one_and_update(
        wanted, changes, return_document=ReturnDocument.AFTER, session=session
    )
    if found is None:
        raise AssertionError("a transaction sees what it has seen")
    return user_of(found)
