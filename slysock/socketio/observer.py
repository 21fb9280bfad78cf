"""The seam for whoever counts, times or logs what a server does, and costs nothing where nobody does."""

import logging
from time import perf_counter
from typing import Protocol, final, runtime_checkable

import msgspec

from slysock.config import TransportName
from slysock.errors import RefusalRecord, log_refusal
from slysock.handlers.blocking import BLOCKING_SECONDS, OnBlock, call_timed
from slysock.handlers.functions import Function, name_of
from slysock.ids import DisconnectReason
from slysock.socketio.client_socket import Socket

__all__ = ["Observer", "RefusalObserver", "RefusalRecord", "ServerStatistics"]

logger = logging.getLogger("slysock")


class Observer(Protocol):
    """Told of what happens, in the middle of it: its methods are plain, quick, and must not wait or raise."""

    def joined(self, socket: Socket) -> None:
        """Take note of a client that has been let into a namespace."""

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """Take note that it has left."""

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Take note of an event whose handler has ended well.

        Args:
            socket: whose event it was.
            event: its name; always one that a handler is registered for.
            seconds: from the event's arrival until its acknowledgement, and what was to follow it, were in the outboxes
                of everybody concerned.
        """

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """Take note of an event, or a hook (`connect`, `disconnect`), that was refused or failed."""

    def session_closed(self, reason: DisconnectReason) -> None:
        """Take note that a connection has ended."""


@runtime_checkable
class RefusalObserver(Protocol):
    """What an Observer may have besides. A protocol of its own, so that observers without it stay what they are."""

    def refused(self, record: RefusalRecord) -> None:
        """Take note that a client was refused something: a connection, a request, a namespace, an event.

        What `failed` is told of an event whose arguments do not fit is told here, too, with the place.
        """


def _ignore(name: str, seconds: float) -> None:
    """Tell nobody."""


@final
class Observers:
    """Those who are told. One that raises is logged, once for each of its methods, and does no other harm.

    Attributes:
        each: the observers; for asking whether there are any.
        on_block: told of those that block.
    """

    __slots__ = ("_failed", "_of_refusals", "each", "on_block")

    def __init__(self) -> None:
        self.on_block: OnBlock = _ignore
        self.each: list[Observer] = []
        self._of_refusals: list[tuple[int, RefusalObserver]] = []  # (index in `each`, the same observer)
        self._failed = set[tuple[int, str]]()  # (which observer, method) that has raised

    def add(self, observer: Observer) -> None:
        """Tell one more from now on."""
        if isinstance(observer, RefusalObserver):
            self._of_refusals.append((len(self.each), observer))
        self.each.append(observer)

    def joined(self, socket: Socket) -> None:
        """See Observer.joined."""
        for index, observer in enumerate(self.each):
            self._tell(index, observer.joined, socket)

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """See Observer.left."""
        for index, observer in enumerate(self.each):
            self._tell(index, observer.left, socket, reason)

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """See Observer.handled."""
        before = perf_counter()
        for index, observer in enumerate(self.each):  # at every event: not by `_tell`, which would be two more calls
            try:
                observer.handled(socket, event, seconds)
            except Exception:
                self._log(index, "handled")
            now = perf_counter()
            if now - before > BLOCKING_SECONDS:
                self.on_block(name_of(observer.handled), now - before)
            before = now

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """See Observer.failed."""
        for index, observer in enumerate(self.each):
            self._tell(index, observer.failed, socket, event, error)

    def session_closed(self, reason: DisconnectReason) -> None:
        """See Observer.session_closed."""
        for index, observer in enumerate(self.each):
            self._tell(index, observer.session_closed, reason)

    def refused(self, record: RefusalRecord) -> None:
        """See RefusalObserver.refused; logged, too."""
        log_refusal(record)
        for index, observer in self._of_refusals:
            self._tell(index, observer.refused, record)

    def _tell(self, index: int, method: Function, *what: object) -> None:
        try:
            call_timed(self.on_block, method, *what)
        except Exception:
            self._log(index, method.__name__)

    def _log(self, index: int, method: str) -> None:
        if (index, method) not in self._failed:
            self._failed.add((index, method))
            name = type(self.each[index]).__name__
            logger.exception("the observer %s failed in %r, which is told once", name, method)


@final
class ServerStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a server holds at the moment; asking for it costs as much as there are connections."""

    connections: int
    """Engine.IO sessions."""

    unjoined: int
    """Those of them whose client has not been let into a namespace yet; see `Config.max_unjoined`."""

    transports: dict[TransportName, int]
    """transport -> sessions that are on it."""

    lingering: int
    """Closed sessions whose last words wait for a poll."""

    clients: dict[str, int]
    """namespace -> clients in it; namespaces of patterns are not listed, as clients choose their names."""

    made_namespaces: int
    """Namespaces that patterns have made, and that still live."""

    outbox_bytes: int
    """What waits for clients, all together; the last words of closed sessions, too."""

    waiting_events: int
    """Events that wait for their handlers, or are in one that waits."""

    waiting_event_bytes: int
    """Their size on the wire."""

    leaving: int
    """Clients that have left while something of theirs is still being handled."""

    awaited_acks: int
    """Acknowledgements that `call` waits for."""

    left_namespaces: int
    """Namespaces that clients were taken out of and from which late packets may still come."""

    open_sockets: int
    """Connections of every kind."""

    http_connections: int
    """Those of them that speak HTTP."""

    watched_sockets: int
    """Those of them that the one reader reads."""

    timers: int
    """Deadlines: heartbeats, handshakes, upgrades, last words, calls that wait for acknowledgements."""

    outbox_budget_bytes: int
    """What may wait for all clients together; see `Config.max_outboxes_bytes`."""

    slow_clients: int
    """Clients for whom more than `Config.max_outbox_bytes` is waiting, so that a clock runs."""

    loop_lag_seconds: float
    """How long the event loop has kept others waiting at the worst, in the last minute."""
