"""All namespaces of a server: those with a name, and those that patterns make on demand."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, final
from weakref import WeakValueDictionary

from slysock.engineio.timers import Timers
from slysock.handlers.router import Router
from slysock.handlers.table import Table
from slysock.socketio.adapter import Adapter
from slysock.socketio.loop import Loop
from slysock.socketio.namespace import Namespace
from slysock.socketio.observer import Observers
from slysock_protocol.socketio import Parser

MAX_MADE: Final = 10_000
"""Namespaces at once that patterns have made, as clients name them: some 3 kB each, as long as somebody is in them."""


class Found(NamedTuple):
    """A namespace, and the server's side of it."""

    namespace: Namespace
    adapter: Adapter


@final
class Namespaces:
    """All namespaces of a server.

    Raises:
        ValueError: handlers that could be mistaken for each other.
    """

    def __init__(
        self,
        routers: Iterable[Router],
        parser: Parser,
        observers: Observers,
        *,
        loop: Loop,
        timers: Timers,
    ) -> None:
        self._parser = parser
        self._observers = observers
        self._loop = loop
        self._timers = timers
        by_namespace: dict[str | re.Pattern[str], list[Router]] = {}
        for router in routers:
            by_namespace.setdefault(router.namespace, []).append(router)
        tables = {key: Table(group) for key, group in by_namespace.items()}
        self._patterns = [(key, table) for key, table in tables.items() if isinstance(key, re.Pattern)]
        self._named = {key: self._make(key, table) for key, table in tables.items() if isinstance(key, str)}
        # Weak, so that a namespace of a pattern lives as long as somebody is in it or holds it, or an audience of it.
        self._made: WeakValueDictionary[str, Adapter] = WeakValueDictionary()
        self._held: WeakValueDictionary[str, Namespace] = WeakValueDictionary()  # what users hold of them, if anything

    def _make(self, name: str, table: Table) -> Found:
        adapter = Adapter(name, table, self._parser, self._observers, loop=self._loop, timers=self._timers)
        return Found(Namespace(adapter), adapter)

    def named(self) -> list[Namespace]:
        """List those that have a name of their own."""
        return [found.namespace for found in self._named.values()]

    @property
    def made(self) -> int:
        """How many there are of those that patterns have made."""
        return len(self._made)

    def find_called(self, name: str) -> Found | None:
        """Find the namespace that a client means, or make it where a pattern allows it.

        Behind a name that is none as a whole there may be a query string, as older clients send it.
        """
        return self.find(name) or (self.find(name.partition("?")[0]) if "?" in name else None)

    def find(self, name: str) -> Found | None:
        """Find a namespace by name, or make it where a pattern allows it and there are not too many of those.

        May be called from any thread.
        """
        found = self._named.get(name)
        return self._loop.ask(lambda: self._find_made(name)) if found is None else found

    def _find_made(self, name: str) -> Found | None:
        made = self._made.get(name)
        if made is not None:
            namespace = self._held[name] = self._held.get(name) or Namespace(made)
            return Found(namespace, made)
        if len(self._made) >= MAX_MADE:
            return None
        for pattern, table in self._patterns:
            if pattern.fullmatch(name):
                found = self._make(name, table)
                self._held[name], self._made[name] = found
                return found
        return None
