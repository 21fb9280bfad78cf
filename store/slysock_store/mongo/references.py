"""Queries and changes of what other back-ends own: products, listings, tickets, orders."""

from collections.abc import Mapping, Sequence

from pymongo import ReturnDocument

from slysock_store import json_text
from slysock_store.models import JsonObject, Reference, ReferenceChange, SystemName
from slysock_store.times import from_milliseconds

from .documents import Document, ReferenceDocument, encode
from .filters import one_of, where
from .layout import Snapshot
from .records import reference_of
from .transaction import Transaction


def get_reference(snapshot: Snapshot, system: SystemName, kind: str, key: str) -> Reference | None:
    """See `Store.get_reference`."""
    found = snapshot.find_one(snapshot.collections.references, where(system=system, kind=kind, key=key))
    return None if found is None else reference_of(found)


def get_references(snapshot: Snapshot, system: SystemName, kind: str, keys: Sequence[str]) -> Mapping[str, Reference]:
    """See `Store.get_references`."""
    wanted: Document = {**where(system=system, kind=kind), "key": one_of(keys)}
    found = snapshot.find(snapshot.collections.references, wanted)
    return {reference.key: reference for reference in map(reference_of, found)}


def put_reference(tx: Transaction, system: SystemName, kind: str, key: str, data: JsonObject) -> Reference:
    """See `Store.put_reference`."""
    now = from_milliseconds(tx.now)
    text = json_text.encode(data)
    encode(ReferenceDocument(system=system, kind=kind, key=key, data=text, created_at=now, updated_at=now))
    changes: Document = {"$set": {"data": text, "updated_at": now}, "$setOnInsert": {"created_at": now}}
    collections, session = tx.direct()
    found = collections.references.find_one_and_update(
        where(system=system, kind=kind, key=key),
        changes,
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    if found is None:
        raise AssertionError("an upserted reference exists")
    return reference_of(found)


def change_references(tx: Transaction, system: SystemName, changes: Sequence[ReferenceChange]) -> None:
    """Make changes that belong to another write. None is made if one refuses."""
    changed: list[tuple[ReferenceChange, JsonObject]] = []
    for change in changes:
        found = get_reference(tx.reading(), system, change.kind, change.key)
        data = change.change(None if found is None else found.data)
        if data is not None:
            changed.append((change, data))
    for change, data in changed:
        put_reference(tx, system, change.kind, change.key, data)
