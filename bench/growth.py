"""What a delivery, a room operation or a connection costs as their number grows: flat, or not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bench.figures import Figure, Summary
from bench.scenarios import SCENARIOS

PEERS_OF_GROWTH: Final = ("slysock", "node", "bun", "python-socketio", "floor")  # the floor: what the kernel adds
UNITS: Final = {"deliveries": "delivery", "requests": "request", "connects": "connection", "joins": "join or leave"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What something cost one peer at one size.

    Attributes:
        x: how many there were; a point that the limit of open files made smaller has its real number.
        cost: server µs for each, or kB for each connection; None if every run failed.
        total_bytes: memory of all connections together, if it was measured.
        generator_limits: the generator had no time left, so a server that joins messages was not pushed to its best.
        disturbed: see noise.py.
        shrunk: there were fewer clients than the point says.
    """

    x: float
    cost: Figure | None
    total_bytes: float = 0.0
    generator_limits: bool = False
    disturbed: bool = False
    shrunk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One peer over all sizes of one thing.

    Attributes:
        sizes: in ascending order.
    """

    title: str
    peer: str
    sizes: Sequence[Size]

    @property
    def ratio(self) -> float | None:
        """The cost at the largest size divided by that at the smallest: 1 is flat. None if one of them is unknown."""
        first, last = self.sizes[0].cost, self.sizes[-1].cost
        return last.median / first.median if first and last and first.median else None

    @property
    def slopes(self) -> Sequence[float]:
        """Bytes for each connection that was added, from one size to the next: equal if memory is linear."""
        return [
            (after.total_bytes - before.total_bytes) / (after.x - before.x) for before, after in pairwise(self.sizes)
        ]


def growths(summaries: Iterable[Summary]) -> Iterator[Growth]:
    """Find everything that was measured at two sizes or more, among the points that are meant to show growth."""
    found: dict[tuple[str, str], list[Size]] = {}
    for summary in summaries:
        title = _title(summary)
        if title:
            found.setdefault((title, summary.peer), []).append(_size(summary))
    for (title, peer), sizes in found.items():
        if len({size.x for size in sizes}) > 1:
            yield Growth(title=title, peer=peer, sizes=sorted(sizes, key=lambda size: size.x))


def _title(summary: Summary) -> str:
    """Return the title of what grows; empty for a point that is not meant to show growth."""
    scenario = SCENARIOS[summary.scenario.name]
    point = next((point for point in scenario.points if point.label == summary.point), None)
    if point is None or not point.growth:
        return ""
    if scenario.kind == "memory":
        return "memory: kB for each idle connection, by connections"
    group = f", {point.group}" if point.group else ""
    return f"{scenario.name}{group}: server µs for each {UNITS[scenario.counted]}, by {scenario.x_title}"


def _size(summary: Summary) -> Size:
    memory = summary.scenario.kind == "memory"
    megabytes = summary.megabytes
    return Size(
        x=summary.x,
        cost=summary.kilobytes_per_connection if memory else summary.cpu_microseconds,
        total_bytes=megabytes.median * 1e6 if memory and megabytes else 0.0,
        generator_limits=not memory and summary.generator_limits,
        disturbed=bool(summary.disturbance),
        shrunk=summary.missing_clients > 0,
    )
