"""Numbers for Prometheus, cheap enough to leave on: counters where things happen, gauges read when they are asked for.

Labels are bounded: namespaces, events and operations that the program knows, systems, kinds of errors. Nothing that a
client sends becomes one.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, ParamSpec, TypeVar, cast, final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from slysock import DisconnectReason, InvalidPayload, Server, Socket
from slysock.socketio.observer import ServerStatistics
from slysock.telemetry import Counter, CounterFamily, Histogram, HistogramFamily
from slysock_store import AddedMessage, EnsuredChat, Store, StoreError

from .domain import DomainError

CONTENT_TYPE: Final = "text/plain; version=0.0.4"  # whoever answers with it adds the charset
SLOW_CONSUMER: Final = "slow consumer"

P = ParamSpec("P")
R = TypeVar("R")


@final
class Metrics:
    """The metrics of one server; an `Observer` of it. Given to `assemble`, which does the rest."""

    def __init__(self) -> None:
        self._events = CounterFamily("slysock_events", "Events of clients that were handled", ["namespace", "event"])
        self._delivery = HistogramFamily(
            "slysock_delivery_seconds",
            "From an event's arrival until what it caused was in the outboxes of everybody concerned",
            ["namespace"],
        )
        # (namespace, event) -> what is counted of it
        self._handled: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._errors = CounterFamily("slysock_errors", "Events that failed, by kind", ["namespace", "kind"])
        self._http_errors = CounterFamily("slysock_http_errors", "Requests that were answered by an error", ["status"])
        self._joins = CounterFamily("slysock_joins", "Clients let into a namespace", ["namespace"])
        self._endings = CounterFamily("slysock_connections_closed", "Connections ended", ["reason"])
        self._slow = CounterFamily(
            "slysock_slow_consumers", "Clients disconnected for not reading what was sent to them"
        )
        self._messages = CounterFamily("slysock_messages", "Messages stored", ["system"])
        self._chats = CounterFamily("slysock_chats_created", "Chats made", ["system"])
        self._store_seconds = HistogramFamily("slysock_store_seconds", "What the store takes", ["operation"])
        self._store_errors = CounterFamily("slysock_store_errors", "What the store failed at", ["operation", "kind"])
        self._slow.labels()  # shown from the beginning, as it has no labels
        self._registry = CollectorRegistry()
        for collector in (
            self._events,
            self._delivery,
            self._errors,
            self._http_errors,
            self._joins,
            self._endings,
            self._slow,
            self._messages,
            self._chats,
            self._store_seconds,
            self._store_errors,
        ):
            self._registry.register(collector)

    def bind(self, server: Server) -> None:
        """Observe a server."""
        server.observe(self)
        self._registry.register(_Holdings(server.statistics))

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)

    # -- an Observer -------------------------------------------------------------------------------------------------

    def joined(self, socket: Socket) -> None:
        """Count a client."""
        self._joins.labels(socket.namespace.name).increment()

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """See Observer.left; who is there is a gauge."""

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Count and time an event."""
        name = socket.namespace.name
        counted = self._handled.get((name, event))
        if counted is None:
            counted = self._handled[name, event] = (self._events.labels(name, event), self._delivery.labels(name))
        counted[0].increment()
        counted[1].observe(seconds)

    def failed(self, socket: Socket, event: str, error: Exception) -> None:  # noqa: ARG002 - the shape of an Observer
        """Count an error."""
        self._errors.labels(socket.namespace.name, kind_of_error(error)).increment()

    def session_closed(self, reason: DisconnectReason) -> None:
        """Count the end of a connection."""
        self._endings.labels(reason).increment()
        if reason == SLOW_CONSUMER:
            self._slow.labels().increment()

    # -- HTTP and store ----------------------------------------------------------------------------------------------

    def http_failed(self, status: int) -> None:
        """Count an error answer; there are as many labels as statuses that we answer."""
        self._http_errors.labels(str(status)).increment()

    def watch(self, store: Store) -> Store:
        """Give a store that counts and times what is done with it."""
        return cast("Store", _WatchedStore(store, self))

    def store_seconds(self, operation: str) -> Histogram:
        """Give the histogram of an operation of a store."""
        return self._store_seconds.labels(operation)

    def store_made(self, system: str, result: AddedMessage | EnsuredChat) -> None:
        """Count messages and chats that a store has made."""
        if isinstance(result, EnsuredChat):
            made_message, made_chat = False, result.created
        else:
            made_message, made_chat = not result.is_duplicate, result.created_chat
        if made_message:
            self._messages.labels(system).increment()
        if made_chat:
            self._chats.labels(system).increment()

    def store_failed(self, operation: str, error: StoreError) -> None:
        """Count what a store could not do."""
        self._store_errors.labels(operation, type(error).__name__).increment()


def kind_of_error(error: Exception) -> str:
    """Name the kind of a failure; one of few."""
    match error:
        case DomainError():
            return type(error).__name__
        case InvalidPayload():
            return "InvalidPayload"
        case _:
            return "Unexpected"


@final
class _WatchedStore:
    """Passes every call on to a store and times it.

    Made of the store's methods as they are asked for: to spell out thirty that do the same would hide that they do.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
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


@final
class _Holdings(Collector):
    """Gauges of what a server holds, read when they are asked for."""

    def __init__(self, statistics: Callable[[], ServerStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read them; see Collector."""
        held = self._statistics()
        yield GaugeMetricFamily("slysock_connections", "Open connections", value=held.connections)
        yield GaugeMetricFamily("slysock_outbox_bytes", "What waits for clients", value=held.outbox_bytes)
        clients = GaugeMetricFamily("slysock_clients", "Clients in a namespace", labels=["namespace"])
        for namespace, count in held.clients.items():
            clients.add_metric([namespace], count)
        yield clients

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name them without reading; see Collector."""
        yield GaugeMetricFamily("slysock_connections", "")
        yield GaugeMetricFamily("slysock_outbox_bytes", "")
        yield GaugeMetricFamily("slysock_clients", "", labels=["namespace"])
