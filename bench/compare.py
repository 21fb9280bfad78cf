"""What changed between two files of results, and whether it is more than noise.

Every repetition is a sample. If the ranges of the two sides overlap, nothing can be said. If they do not, the
probability of that happening by chance is computed: 2 out of all ways to deal the samples to two sides. With five
repetitions on each side that is 0.8 %; with three it is 10 %, hence only "likely"; with fewer it is noise.

A machine that was busier in one of the two files shifts everything. The peers whose versions did not change show by how
much: their median change is the drift, printed with the verdicts and to be read before them.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bench.figures import Figure, Summary, summarize
from bench.noise import usual_speed
from bench.results import Results

Verdict: TypeAlias = Literal["better", "worse", "likely better", "likely worse", "noise"]

SURE: Final = 0.05
LIKELY: Final = 0.2
TOO_SMALL: Final = 0.02  # a change that nobody would act on


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something to compare."""

    name: str
    of: Callable[[Summary], Figure | None]
    more_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One quantity of one peer at one point, in both files.

    Attributes:
        disturbed: whether one of its runs was disturbed, in either file (noise.py).
    """

    scenario: str
    point: str
    peer: str
    quantity: Quantity
    before: Figure
    after: Figure
    disturbed: bool = False

    @property
    def ratio(self) -> float:
        """The value now, as a multiple of the value before."""
        return self.after.median / self.before.median if self.before.median else 1.0

    @property
    def verdict(self) -> Verdict:
        """Whether it changed."""
        if not self._is_apart or abs(self.ratio - 1) < TOO_SMALL or self.chance > LIKELY:
            return "noise"
        better = (self.ratio > 1) == self.quantity.more_is_better
        if self.chance <= SURE:
            return "better" if better else "worse"
        return "likely better" if better else "likely worse"

    @property
    def chance(self) -> float:
        """The probability that the ranges of this many samples lie apart by chance."""
        samples = len(self.before.values) + len(self.after.values)
        return 2 / math.comb(samples, len(self.before.values))

    @property
    def _is_apart(self) -> bool:
        was, now = self.before.values, self.after.values
        return min(was) > max(now) or min(now) > max(was)


LOAD_QUANTITIES: Final = (
    Quantity(name="per second", of=lambda summary: summary.rate, more_is_better=True),
    Quantity(name="p50", of=lambda summary: summary.latency_ms(50), more_is_better=False),
    Quantity(name="p99", of=lambda summary: summary.latency_ms(99), more_is_better=False),
    Quantity(name="server µs each", of=lambda summary: summary.cpu_microseconds, more_is_better=False),
)
MEMORY_QUANTITIES: Final = (
    Quantity(name="kB per connection", of=lambda summary: summary.kilobytes_per_connection, more_is_better=False),
)


def changes(before: Results, after: Results) -> Iterator[Change]:
    """Compare whatever is in both files."""
    old = {(summary.scenario.name, summary.point, summary.peer): summary for summary in summarize(before.runs)}
    for summary in summarize(after.runs):
        other = old.get((summary.scenario.name, summary.point, summary.peer))
        if other is None:
            continue
        for quantity in MEMORY_QUANTITIES if summary.scenario.kind == "memory" else LOAD_QUANTITIES:
            was, now = quantity.of(other), quantity.of(summary)
            if was is not None and now is not None:
                yield Change(
                    scenario=summary.scenario.name,
                    point=summary.point,
                    peer=summary.peer,
                    quantity=quantity,
                    before=was,
                    after=now,
                    disturbed=bool(other.disturbance or summary.disturbance),
                )


def drift(before: Results, after: Results, found: Sequence[Change]) -> float | None:
    """Return by how much the throughput of unchanged peers changed, as a ratio; None without such a peer."""
    unchanged = {
        peer
        for peer, versions in after.versions.items()
        if before.versions.get(peer) == versions and not peer.startswith("slysock")
    }
    ratios = [change.ratio for change in found if change.peer in unchanged and change.quantity.name == "per second"]
    return statistics.median(ratios) if ratios else None


def expected_by_chance(found: Iterable[Change]) -> float:
    """Return how many of these figures would be called changed if nothing had changed."""
    return sum(change.chance for change in found if change.chance <= LIKELY)


def circumstances(before: Results, after: Results) -> Iterator[str]:
    """Return what else is not the same in both files and may explain any change."""
    if before.machine.processor != after.machine.processor or before.machine.kernel != after.machine.kernel:
        yield "Measured on different machines or kernels: nothing below can be blamed on the servers."
    if before.generator != after.generator:
        yield "Measured by different versions of the load generator."
    was, now = usual_speed(before.runs), usual_speed(after.runs)
    if was and now:
        yield f"Median speed of the server's core: {now / was - 1:+.1%}"
