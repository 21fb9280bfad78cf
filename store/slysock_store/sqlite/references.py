"""Statements about what other back-ends own: products, listings, tickets, orders."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from slysock_store.models import JsonObject, Reference, ReferenceChange, SystemName
from slysock_store.times import from_milliseconds

from . import columns
from .transaction import Transaction

ReferenceRow: TypeAlias = tuple[str, str, str, str, int, int]

SELECT_REFERENCE = """
    SELECT system, kind, key, data, created_at, updated_at
    FROM reference_records WHERE system = ? AND kind = ? AND key = ?
"""
SELECT_REFERENCES = """
    SELECT system, kind, key, data, created_at, updated_at
    FROM reference_records WHERE system = ? AND kind = ? AND key IN (SELECT value FROM json_each(?))
"""
UPSERT_REFERENCE = """
    INSERT INTO reference_records (system, kind, key, data, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (system, kind, key) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at
"""


def reference_of(row: ReferenceRow) -> Reference:
    """Make the record of a row."""
    system, kind, key, data, created_at, updated_at = row
    return Reference(
        system=SystemName(system),
        kind=kind,
        key=key,
        data=columns.decode_object(data),
        created_at=from_milliseconds(created_at),
        updated_at=from_milliseconds(updated_at),
    )


def get_reference(connection: sqlite3.Connection, system: SystemName, kind: str, key: str) -> Reference | None:
    """See `Store.get_reference`."""
    row: ReferenceRow | None = connection.execute(SELECT_REFERENCE, (system, kind, key)).fetchone()
    return None if row is None else reference_of(row)


def get_references(
    connection: sqlite3.Connection, system: SystemName, kind: str, keys: Sequence[str]
) -> Mapping[str, Reference]:
    """See `Store.get_references`."""
    rows: list[ReferenceRow] = connection.execute(SELECT_REFERENCES, (system, kind, columns.keys(keys))).fetchall()
    return {reference.key: reference for reference in map(reference_of, rows)}


def put_reference(tx: Transaction, system: SystemName, kind: str, key: str, data: JsonObject) -> Reference:
    """See `Store.put_reference`."""
    tx.connection.execute(UPSERT_REFERENCE, (system, kind, key, columns.encode(data), tx.now, tx.now))
    reference = get_reference(tx.connection, system, kind, key)
    if reference is None:
        raise AssertionError("an upserted reference exists")
    return reference


def change_references(tx: Transaction, system: SystemName, changes: Sequence[ReferenceChange]) -> None:
    """Make changes that belong to another write. None is made if one refuses."""
    changed: list[tuple[ReferenceChange, JsonObject]] = []
    for change in changes:
        found = get_reference(tx.connection, system, change.kind, change.key)
        data = change.change(None if found is None else found.data)
        if data is not None:
            changed.append((change, data))
    for change, data in changed:
        put_reference(tx, system, change.kind, change.key, data)
