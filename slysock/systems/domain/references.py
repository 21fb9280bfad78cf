"""What another back-end owns and has reported: orders, listings, products, tickets."""

from collections.abc import Callable, Mapping, Sequence
from typing import final

from slysock_store import JsonObject, Reference, ReferenceChange, Store, SystemName

from .errors import translated_store_errors


@final
class References:
    """The references of one kind in one system."""

    def __init__(self, store: Store, system: SystemName, *, kind: str) -> None:
        self._store = store
        self._system = system
        self._kind = kind

    async def put(self, key: str, data: JsonObject) -> Reference:
        """Create a reference or replace its data."""
        with translated_store_errors():
            return await self._store.put_reference(self._system, kind=self._kind, key=key, data=data)

    def change(self, key: str, change: Callable[[JsonObject | None], JsonObject | None]) -> ReferenceChange:
        """Describe a change of a reference that belongs to a message; see `ReferenceChange`."""
        return ReferenceChange(kind=self._kind, key=key, change=change)

    async def maybe_get(self, key: str) -> Reference | None:
        """Return one reference; None if it has not been reported."""
        with translated_store_errors():
            return await self._store.get_reference(self._system, kind=self._kind, key=key)

    async def find(self, keys: Sequence[str]) -> Mapping[str, Reference]:
        """Return those that are known. Without keys, nothing is read."""
        if not keys:
            return {}
        with translated_store_errors():
            return await self._store.get_references(self._system, kind=self._kind, keys=tuple(dict.fromkeys(keys)))
