"""The plots of a scenario."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from bench.figures import Figure as Measure
from bench.figures import Summary
from bench.histogram import Histogram
from bench.peers.registry import PEERS
from bench.report.svg import Axis, Line, plot

COLOUR_OF: Final = {name: number for number, name in enumerate(PEERS)}
PERCENTILE_TICKS: Final = ((1, "0"), (2, "50"), (10, "90"), (100, "99"), (1000, "99.9"), (10_000, "99.99"))
PERCENTILES: Final = Axis(title="percentile", logarithmic=True, ticks=PERCENTILE_TICKS)
CURVE_STEPS: Final = 80  # 20 for each factor of ten of 1/(1 - percentile)

Plot: TypeAlias = tuple[str, str]  # a caption and an SVG


def plots_of(summaries: Sequence[Summary]) -> Iterator[Plot]:
    """Draw what one scenario has to show: growth over its range, then latency by percentile at each point."""
    scenario = summaries[0].scenario
    if scenario.kind == "memory":
        yield from _memory(summaries)
        return
    yield from _growth(summaries)
    for point in dict.fromkeys(summary.point for summary in summaries):
        lines = [_curve(summary) for summary in summaries if summary.point == point and summary.runs]
        drawn = plot(lines, PERCENTILES, Axis(title="latency, ms", logarithmic=True))
        if drawn:
            yield f"Latency by percentile: {point}", drawn


def _groups(summaries: Sequence[Summary]) -> Iterator[tuple[str, list[Summary]]]:
    group_of = {point.label: point.group for point in summaries[0].scenario.points}
    for group in dict.fromkeys(group_of.values()):
        members = [summary for summary in summaries if group_of.get(summary.point) == group]
        if members:
            yield group, members


def _growth(summaries: Sequence[Summary]) -> Iterator[Plot]:
    scenario = summaries[0].scenario
    for group, members in _groups(summaries):
        if len({summary.x for summary in members}) < 2:
            continue
        wide = max(summary.x for summary in members) / max(1, min(summary.x for summary in members)) > 20
        x = Axis(title=scenario.x_title, logarithmic=wide)
        of_group = f" ({group})" if group else ""
        rates = _lines(members, lambda summary: summary.rate)
        tails = _lines(members, lambda summary: summary.latency_ms(99))
        costs = _lines(members, lambda summary: summary.cpu_microseconds)
        yield f"Throughput{of_group}", plot(rates, x, Axis(title=f"{scenario.counted} per second"))
        yield f"99th percentile{of_group}", plot(tails, x, Axis(title="ms", logarithmic=True))
        yield f"Server CPU{of_group}", plot(costs, x, Axis(title="µs for each"))


def _lines(summaries: Sequence[Summary], quantity: Callable[[Summary], Measure | None]) -> list[Line]:
    """Return a line for each peer: medians, with the range of their repetitions."""
    by_peer: dict[str, list[tuple[float, Measure]]] = {}
    for summary in summaries:
        measured = quantity(summary)
        if measured is not None:
            by_peer.setdefault(summary.peer, []).append((summary.x, measured))
    return [
        Line(
            name=peer,
            colour=COLOUR_OF.get(peer, 0),
            points=[(x, measured.median) for x, measured in points],
            ranges=[(x, min(measured.values), max(measured.values)) for x, measured in points],
        )
        for peer, points in by_peer.items()
    ]


def _curve(summary: Summary) -> Line:
    """Return latency over 1/(1 - percentile), as far as there are enough values."""
    merged = Histogram.merged(run.histogram(summary.scenario.series) for run in summary.runs)
    points: list[tuple[float, float]] = []
    for step in range(CURVE_STEPS + 1):
        inverse = 10 ** (step / 20)
        if inverse <= max(1, merged.total):
            points.append((inverse, merged.percentile_ns(100 * (1 - 1 / inverse)) / 1e6))
    return Line(name=summary.peer, colour=COLOUR_OF.get(summary.peer, 0), points=points)


def _memory(summaries: Sequence[Summary]) -> Iterator[Plot]:
    total = _lines(summaries, lambda summary: summary.megabytes)
    yield "Memory by connections", plot(total, Axis(title="connections"), Axis(title="MB"))
