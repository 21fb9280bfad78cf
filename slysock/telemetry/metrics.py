"""What a server does, as metrics for Prometheus: counted where it happens, cheap enough to leave on.

Labels are bounded: namespaces, events and kinds of errors that the program knows. Nothing that a client sends becomes
one, except the names of namespaces by pattern, of which only a limited number are told apart.
"""

from collections.abc import Callable, Iterator
from typing import Final, final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from slysock import DisconnectReason, Socket
from slysock.socketio.observer import RefusalRecord, ServerStatistics
from slysock.telemetry.counters import Counter, CounterFamily
from slysock.telemetry.error_kind import error_kind
from slysock.telemetry.histograms import Histogram, HistogramFamily

CONTENT_TYPE: Final = "text/plain; version=0.0.4"
"""What `Metrics.render` writes. Whoever answers with it adds the charset, which is UTF-8."""

MAX_NAMESPACES: Final = 100
"""As many are told apart; all others share one label. Clients make up names that match a pattern."""

MAX_REASONS: Final = 50
"""Likewise of refusals: applications may name reasons of their own."""

OTHER: Final = "other"  # no namespace: their names begin with a slash
SLOW_CONSUMER: Final[DisconnectReason] = "slow consumer"


@final
class Metrics:
    """The metrics of a server, as an `Observer` of it: `server.observe(metrics)`.

    Attributes:
        registry: Prometheus's own; a program can add its numbers to it.
    """

    def __init__(self) -> None:
        self._events = CounterFamily("slysock_events", "Events from clients that were handled", ["namespace", "event"])
        self._delivery = HistogramFamily(
            "slysock_delivery_seconds",
            "Time from an event's arrival until everything that it caused was in outboxes",
            ["namespace"],
        )
        self._namespaces: set[str] = set()  # those that are told apart
        # (namespace's label, event) -> what is counted of it
        self._handled: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._errors = CounterFamily("slysock_errors", "Events that failed, by kind", ["namespace", "kind"])
        self._joins = CounterFamily("slysock_joins", "Clients let into a namespace", ["namespace"])
        self._endings = CounterFamily("slysock_connections_closed", "Connections ended", ["reason"])
        self._refusals = CounterFamily("slysock_refusals", "What clients were refused", ["reason"])
        self._reasons: set[str] = set()  # those that are told apart
        self._slow = CounterFamily(
            "slysock_slow_consumers", "Clients disconnected for not reading what was sent to them"
        )
        self._slow.labels()  # shown from the beginning, as it has no labels
        self.registry = CollectorRegistry()
        for family in (
            self._events,
            self._delivery,
            self._errors,
            self._joins,
            self._endings,
            self._refusals,
            self._slow,
        ):
            self.registry.register(family)

    def add_gauges(self, statistics: Callable[[], ServerStatistics]) -> None:
        """Add gauges of what a server holds, read from `server.statistics` whenever the metrics are read."""
        self.registry.register(_Gauges(statistics))

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format, to be sent as `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    # -- an Observer -------------------------------------------------------------------------------------------------

    def joined(self, socket: Socket) -> None:
        """Count a client that was let in."""
        self._joins.labels(self._label_of(socket)).increment()

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """See Observer.left; who is there is a gauge."""

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Count and time an event."""
        events, delivery = self._handled.get((socket.namespace.name, event)) or self._of_event(socket, event)
        events.increment()
        delivery.observe(seconds)

    def failed(self, socket: Socket, event: str, error: Exception) -> None:  # noqa: ARG002 - the shape of an Observer
        """Count an error."""
        self._errors.labels(self._label_of(socket), error_kind(error)).increment()

    def session_closed(self, reason: DisconnectReason) -> None:
        """Count the end of a connection."""
        self._endings.labels(reason).increment()
        if reason == SLOW_CONSUMER:
            self._slow.labels().increment()

    def refused(self, record: RefusalRecord) -> None:
        """Count a refusal by its reason."""
        self._refusals.labels(_bounded(record.reason, self._reasons, MAX_REASONS)).increment()

    # -- labels ------------------------------------------------------------------------------------------------------

    def _label_of(self, socket: Socket) -> str:
        return _bounded(socket.namespace.name, self._namespaces, MAX_NAMESPACES)

    def _of_event(self, socket: Socket, event: str) -> tuple[Counter, Histogram]:
        namespace = self._label_of(socket)
        counted = (self._events.labels(namespace, event), self._delivery.labels(namespace))
        return self._handled.setdefault((namespace, event), counted)


def _bounded(name: str, known: set[str], most: int) -> str:
    """Return a name that is told apart, or OTHER once there are enough of them."""
    if name not in known:
        if len(known) >= most:
            return OTHER
        known.add(name)
    return name


@final
class _Gauges(Collector):
    """What a server holds, counted when it is asked for."""

    def __init__(self, statistics: Callable[[], ServerStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the gauges; see Collector."""
        held = self._statistics()
        yield GaugeMetricFamily("slysock_connections", "Open connections", value=held.connections)
        yield GaugeMetricFamily("slysock_outbox_bytes", "Bytes that wait in outboxes", value=held.outbox_bytes)
        clients = GaugeMetricFamily("slysock_clients", "Clients in a namespace", labels=["namespace"])
        for namespace, count in held.clients.items():
            clients.add_metric([namespace], count)
        yield clients

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauges without reading them; see Collector."""
        yield GaugeMetricFamily("slysock_connections", "")
        yield GaugeMetricFamily("slysock_outbox_bytes", "")
        yield GaugeMetricFamily("slysock_clients", "", labels=["namespace"])
