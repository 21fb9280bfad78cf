"""What `smoke` runs: every scenario with few clients, so that every path of generator, peers and report is covered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bench.generator import Options
from bench.plan import Work
from bench.scenarios import SCENARIOS, Point, Scenario

FEW: Final = 20
MOST: Final = {
    "warmup": 0.2,
    "rooms": 10,
    "rooms_per_client": 3,
    "roamers": 4,
    "roam_rate": 100,
    "in_flight": 8,
    "publishers": 8,
    "visitors_at_once": 4,
    "visitors_total": 20,
    "visitors_delay": 0.01,
    "payload": 1024,
}
"""The highest value of each option in a smoke run."""

SMALL_PART: Final = 0.1  # of the capacity: nothing is to be missed on a busy machine
LIMIT_SECONDS: Final = 20
SMOKE_PEERS: Final = ("slysock", "floor", "slysock-marketplace")
"""Enough to cover every path, in seconds; name others with `--peer`."""


def smoke_work() -> Iterator[Work]:
    """Shrink every scenario: its first point and its last."""
    for scenario in SCENARIOS.values():
        ends = {point.label: point for point in (scenario.points[0], scenario.points[-1])}
        yield _calibrated(scenario), [_small(point) for point in ends.values()]


def _calibrated(scenario: Scenario) -> Scenario:
    return replace(scenario, calibration=_limited(scenario.calibration)) if scenario.calibration else scenario


def _small(point: Point) -> Point:
    capacity = None if point.of_capacity is None else SMALL_PART
    return replace(point, options=_limited(point.options), of_capacity=capacity)


def _limited(options: Options) -> Options:
    """Limit the options; the number of clients that make requests stays in proportion to that of all."""
    limited = {name: _least(name, value) for name, value in options.items()} | {"limit": LIMIT_SECONDS}
    clients = int(options["clients"])
    limited["clients"] = min(FEW, clients)
    if "requesters" in options:
        limited["requesters"] = int(options["requesters"]) * int(limited["clients"]) // clients
    return limited


def _least(name: str, value: float | str) -> float | str:
    most = MOST.get(name)
    return value if most is None or isinstance(value, str) else min(value, most)
