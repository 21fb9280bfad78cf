"""What the chat systems add to the metrics of their server: messages and chats, the store, HTTP errors."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, ParamSpec, TypeVar, cast, final

import trio

from slysock import Server
from slysock.telemetry import CounterFamily, Gauge, Histogram, HistogramFamily, Metrics
from slysock_store import AddedMessage, EnsuredChat, Store, StoreError, StoreFiles

P = ParamSpec("P")
R = TypeVar("R")

MEASURE_SECONDS: Final = 2.0
"""A disk that takes longer to say what is free is shown as it was; monitoring gives up after ten."""


@final
class SystemsMetrics:
    """The metrics of a server with systems on it. Pass it to `assemble`, which does the rest."""

    def __init__(self) -> None:
        self._metrics = Metrics()
        self._measures: list[Callable[[], Awaitable[None]]] = []
        self._http_errors = CounterFamily("slysock_http_errors", "Requests answered with an error", ["status"])
        self._messages = CounterFamily("slysock_messages", "Messages stored", ["system"])
        self._chats = CounterFamily("slysock_chats_created", "Chats created", ["system"])
        self._store_seconds = HistogramFamily("slysock_store_seconds", "Time that the store takes", ["operation"])
        self._store_errors = CounterFamily("slysock_store_errors", "Operations that failed", ["operation", "kind"])
        for family in (self._http_errors, self._messages, self._chats, self._store_seconds, self._store_errors):
            self._metrics.registry.register(family)

    def bind(self, server: Server) -> None:
        """Observe a server, and add gauges of what it holds."""
        server.observe(self._metrics)
        self._metrics.add_gauges(server.statistics)

    async def render(self) -> bytes:
        """Measure what has to be waited for, then return everything; see `Metrics.render`."""
        with trio.move_on_after(MEASURE_SECONDS):
            async with trio.open_nursery() as nursery:
                for measure in self._measures:
                    nursery.start_soon(measure)
        return self._metrics.render()

    def http_failed(self, status: int) -> None:
        """Count an error response. Bounds: one label for each status that we answer with."""
        self._http_errors.labels(str(status)).increment()

    def add(self, gauges: Sequence[Gauge], measure: Callable[[], Awaitable[None]] | None = None) -> None:
        """Show these, too; call `measure` before they are read."""
        for gauge in gauges:
            self._metrics.registry.register(gauge)
        if gauges and measure is not None:
            self._measures.append(measure)

    def watch(self, store: Store) -> Store:
        """Return a store that does what this one does, counted and timed."""
        self.add(_file_gauges(store))
        return cast("Store", _WatchedStore(store, self))

    def store_seconds(self, operation: str) -> Histogram:
        """Return the histogram of an operation of a store."""
        return self._store_seconds.labels(operation)

    def store_made(self, system: str, result: AddedMessage | EnsuredChat) -> None:
        """Count messages and chats that a store has created."""
        if isinstance(result, EnsuredChat):
            made_message, made_chat = False, result.created
        else:
            made_message, made_chat = not result.is_duplicate, result.created_chat
        if made_message:
            self._messages.labels(system).increment()
        if made_chat:
            self._chats.labels(system).increment()

    def store_failed(self, operation: str, error: StoreError) -> None:
        """Count an operation that a store could not do."""
        self._store_errors.labels(operation, type(error).__name__).increment()


def _file_gauges(store: Store) -> Sequence[Gauge]:
    """Make gauges of a store's files, which only a store on this machine has."""

    def seen(read: Callable[[StoreFiles], int]) -> Callable[[], float | None]:
        def look() -> float | None:
            files = store.statistics().files
            return None if files is None else read(files)

        return look

    return (
        Gauge("slysock_store_log_bytes", "Size of the log beside the database", seen(lambda files: files.log_bytes)),
        Gauge("slysock_store_free_bytes", "Free on the database's disk", seen(lambda files: files.free_bytes)),
    )


@final
class _WatchedStore:
    """Passes every call on to a store and times it.

    Wraps the store's methods when they are first used: spelling out thirty that do the same would hide that they do.
    """

    def __init__(self, store: Store, metrics: SystemsMetrics) -> None:
        self._store = store
        self._metrics = metrics

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        watched = method if name == "statistics" else self._watched(name, method)
        setattr(self, name, watched)  # found directly from now on
        return watched

    def _watched(self, name: str, method: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        histogram = self._metrics.store_seconds(name)

        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            since = time.perf_counter()
            try:
                result = await method(*args, **kwargs)
            except StoreError as error:
                self._metrics.store_failed(name, error)
                raise
            # No checkpoint since the store returned: what it promises about cancellation holds.
            histogram.observe(time.perf_counter() - since)
            if isinstance(result, AddedMessage | EnsuredChat):
                self._metrics.store_made(str(args[0]), result)  # every method of a store begins with the system
            return result

        return call
