"""Statements about users."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import JsonObject, Page, SystemName, User, UserId, UserKey
from slysock_store.times import from_milliseconds, maybe_from_milliseconds

from . import columns
from .transaction import Transaction

UserRow: TypeAlias = tuple[str, str, str, str, str, int | None, int, int]

SELECT_USER = """
    SELECT id, system, key, role, profile, last_active, created_at, updated_at
    FROM users WHERE system = ? AND key = ?
"""
SELECT_USERS = """
    SELECT id, system, key, role, profile, last_active, created_at, updated_at
    FROM users WHERE system = ? AND key IN (SELECT value FROM json_each(?))
"""
SELECT_USERS_OF_ROLE = """
    SELECT id, system, key, role, profile, last_active, created_at, updated_at
    FROM users INDEXED BY users_by_role WHERE system = ? AND role = ? ORDER BY key LIMIT ? OFFSET ?
"""
SELECT_COUNT_OF_ROLE = "SELECT count(*) FROM users WHERE system = ? AND role = ?"
INSERT_USER = """
    INSERT INTO users (id, system, key, role, profile, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_USER = "UPDATE users SET role = ?, profile = ?, updated_at = ? WHERE system = ? AND key = ?"
UPDATE_LAST_ACTIVE = "UPDATE users SET last_active = ? WHERE system = ? AND key = ?"


def user_of(row: UserRow) -> User:
    """Make the record of a row."""
    user_id, system, key, role, profile, last_active, created_at, updated_at = row
    return User(
        id=UserId(user_id),
        system=SystemName(system),
        key=UserKey(key),
        role=role,
        profile=columns.decode_object(profile),
        last_active=maybe_from_milliseconds(last_active),
        created_at=from_milliseconds(created_at),
        updated_at=from_milliseconds(updated_at),
    )


def get_user(connection: sqlite3.Connection, system: SystemName, key: UserKey) -> User | None:
    """See `Store.get_user`."""
    row: UserRow | None = connection.execute(SELECT_USER, (system, key)).fetchone()
    return None if row is None else user_of(row)


def get_users(connection: sqlite3.Connection, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
    """See `Store.get_users`."""
    rows: list[UserRow] = connection.execute(SELECT_USERS, (system, columns.keys(keys))).fetchall()
    return {user.key: user for user in map(user_of, rows)}


def list_users(connection: sqlite3.Connection, system: SystemName, role: str, window: paging.Window) -> Page[User]:
    """See `Store.list_users`."""
    (total,) = connection.execute(SELECT_COUNT_OF_ROLE, (system, role)).fetchone()
    rows: list[UserRow] = connection.execute(
        SELECT_USERS_OF_ROLE, (system, role, window.limit, window.offset(total))
    ).fetchall()
    return Page(items=tuple(map(user_of, rows)), page=window.page, limit=window.limit, total_records=total)


def upsert_user(tx: Transaction, system: SystemName, key: UserKey, role: str, profile: JsonObject) -> User:
    """See `Store.upsert_user`."""
    user = get_user(tx.connection, system, key)
    if user is None:
        row = (tx.new_id(), system, key, role, columns.encode(profile), tx.now, tx.now)
        tx.connection.execute(INSERT_USER, row)
    else:
        merged = {**user.profile, **profile}
        if merged == user.profile and role == user.role:
            return user
        tx.connection.execute(UPDATE_USER, (role, columns.encode(merged), tx.now, system, key))
    return _existing(tx, system, key)


def touch_user(tx: Transaction, system: SystemName, key: UserKey) -> User:
    """See `Store.touch_user`."""
    tx.connection.execute(UPDATE_LAST_ACTIVE, (tx.now, system, key))
    return _existing(tx, system, key)


def _existing(tx: Transaction, system: SystemName, key: UserKey) -> User:
    user = get_user(tx.connection, system, key)
    if user is None:
        raise NotFound("user", key)
    return user
