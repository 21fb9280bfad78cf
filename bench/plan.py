"""What is to be run, and about how long that takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bench.peers.registry import Peer
from bench.scenarios import Point, Scenario
from bench.settings import SETTLE_SECONDS, Settings

Work: TypeAlias = tuple[Scenario, Sequence[Point]]

# Seconds on the machine of README.md, over all peers: an estimate need not be better than by a third.
START: Final = 0.5  # a server, until it listens
AROUND: Final = 0.3  # generator, speed and draining
CONNECT: Final = 0.0004
JOIN: Final = 0.000004
MINUTE: Final = 60
HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one server process serves: every point of a scenario that this peer supports, in order."""

    scenario: Scenario
    points: Sequence[Point]
    peer: Peer
    repetition: int


def estimated_seconds(sessions: Iterable[Session], settings: Settings) -> float:
    """Estimate how long sessions take."""
    return sum(
        START + sum(_seconds_of(session.scenario, point, settings) for point in session.points) for session in sessions
    )


def _seconds_of(scenario: Scenario, point: Point, settings: Settings) -> float:
    clients = int(point.options.get("clients", 1))
    joins = clients * int(point.options.get("rooms_per_client", 1)) if "rooms" in point.options else 0
    setting_up = AROUND + clients * CONNECT + joins * JOIN
    if scenario.kind == "memory":
        return START + setting_up + SETTLE_SECONDS
    return setting_up + float(point.options.get("warmup", settings.warmup_seconds)) + settings.seconds


def in_words(seconds: float) -> str:
    """Return a duration in words, as roughly as it is known."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < HOUR:
        return f"{round(seconds / MINUTE)} min"
    return f"{seconds / HOUR:.1f} h"
