"""From runs to figures: medians over repetitions and their spread."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.noise import Noise, noise_of, usual_speed
from bench.results import Run
from bench.scenarios import SCENARIOS, Scenario

BUSY_GENERATOR: Final = 0.9  # above it the generator may be what limits


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity over repetitions."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half of the range, as a fraction of the median: the figure after ±."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """The runs of one peer at one point.

    Attributes:
        failures: why runs do not count, one reason for each such run; the figures are of the others.
        noises: what disturbed each of the runs that count; empty for memory, which does not depend on it.
    """

    scenario: Scenario
    point: str
    x: float
    peer: str
    runs: Sequence[Run]
    failures: Sequence[str]
    noises: Sequence[Noise]

    def figure(self, quantity: Callable[[Run], float]) -> Figure | None:
        """Compute a quantity for each run that counts; return None if none does."""
        return Figure([quantity(run) for run in self.runs]) if self.runs else None

    @property
    def rate(self) -> Figure | None:
        """Deliveries, requests or connects per second of wall time."""
        return self.figure(lambda run: run.counts.get(self.scenario.counted, 0) / run.seconds)

    @property
    def cpu_microseconds(self) -> Figure | None:
        """CPU time of the server for each delivery, request or connect."""
        return self.figure(lambda run: run.server_cpu_seconds * 1e6 / max(1, run.counts.get(self.scenario.counted, 0)))

    @property
    def server_share(self) -> Figure | None:
        """CPU time of the server as a fraction of the wall time."""
        return self.figure(lambda run: run.server_cpu_seconds / run.seconds)

    @property
    def generator_share(self) -> Figure | None:
        """CPU time of the generator as a fraction of the wall time: near 1 it is the bottleneck."""
        return self.figure(lambda run: run.generator_cpu_seconds / run.seconds)

    @property
    def generator_limits(self) -> bool:
        """Whether the generator had hardly any CPU time left."""
        share = self.generator_share
        return share is not None and share.median > BUSY_GENERATOR

    @property
    def missing_clients(self) -> int:
        """How many clients are missing because of the limit of open files."""
        wanted = {point.label: int(point.options.get("clients", 1)) for point in self.scenario.points}
        had = [int(run.options["clients"]) for run in self.runs]
        return max((wanted.get(self.point, clients) - clients for clients in had), default=0)

    @property
    def disturbance(self) -> str:
        """How many of the runs were disturbed, and the worst of it; empty if none was."""
        disturbed = [noise for noise in self.noises if noise.disturbed]
        if not disturbed:
            return ""
        worst = max(disturbed, key=lambda noise: noise.severity)
        return f"{len(disturbed)}/{len(self.noises)}: {worst}"

    def latency_ms(self, percent: float) -> Figure | None:
        """Return a percentile of latency, from the runs in which something was delivered."""
        histograms = [run.histogram(self.scenario.series) for run in self.runs]
        found = [histogram.percentile_ns(percent) / 1e6 for histogram in histograms if histogram.total]
        return Figure(found) if found else None

    @property
    def collector_ms(self) -> Figure | None:
        """The longest garbage collection of each run, if the server reports it."""
        told = [run.collector.longest for run in self.runs if run.collector is not None]
        return Figure(told) if told else None

    @property
    def megabytes(self) -> Figure | None:
        """Memory of all idle connections together."""
        return self.figure(lambda run: run.memory_bytes / 1e6)

    @property
    def kilobytes_per_connection(self) -> Figure | None:
        """Memory of one idle connection."""
        return self.figure(lambda run: run.memory_bytes / 1000 / run.x)


def summarize(runs: Iterable[Run]) -> list[Summary]:
    """Group runs by scenario, point and peer, in the order in which they first appear."""
    runs = list(runs)
    usual = usual_speed(runs)
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.scenario, run.point, run.peer), []).append(run)
    return [
        Summary(
            scenario=SCENARIOS[scenario],
            point=point,
            x=group[0].x,
            peer=peer,
            runs=[run for run in group if not run.failure],
            failures=[run.failure for run in group if run.failure],
            noises=[noise_of(run, usual) for run in group if not run.failure and SCENARIOS[scenario].kind == "load"],
        )
        for (scenario, point, peer), group in groups.items()
        if scenario in SCENARIOS
    ]
