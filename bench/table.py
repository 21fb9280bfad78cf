"""Results as tables in the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.compare import Change, changes, drift
from bench.figures import Figure, Summary, summarize
from bench.results import Results

BUSY_GENERATOR: Final = 0.9  # above it the generator may be what limits
NOTHING: Final = "-"

LATENCIES: Final = ("p50 ms", "p99 ms", "p99.9 ms", "p99.99 ms")
COLUMNS: Final = ("", "per second", "±", *LATENCIES, "server µs each", "generator", "gc ms")
MEMORY_COLUMNS: Final = ("", "kB per connection", "±")


def print_results(console: Console, results: Results) -> None:
    """Print everything: one table for each scenario, one block in it for each point."""
    by_scenario: dict[str, list[Summary]] = {}
    for summary in summarize(results.runs):
        by_scenario.setdefault(summary.scenario.name, []).append(summary)
    for summaries in by_scenario.values():
        console.print(_table(summaries))
    for warning in _warnings(results):
        console.print(warning, style="yellow", highlight=False, markup=False)


def _table(summaries: Sequence[Summary]) -> Table:
    scenario = summaries[0].scenario
    memory = scenario.kind == "memory"
    columns = MEMORY_COLUMNS if memory else COLUMNS
    table = Table(title=scenario.title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for point in dict.fromkeys(summary.point for summary in summaries):
        table.add_row(f"[bold]{point}[/bold]")
        at_point = [summary for summary in summaries if summary.point == point]
        for summary in sorted(at_point, key=lambda summary: _order(summary, memory=memory)):
            table.add_row(*(_memory_row(summary) if memory else _row(summary)))
        table.add_section()
    return table


def _order(summary: Summary, *, memory: bool) -> float:
    figure = summary.kilobytes_per_connection if memory else summary.rate
    if figure is None:
        return float("inf")
    return figure.median if memory else -figure.median


def _row(summary: Summary) -> Iterator[str]:
    yield f"  {summary.peer}" + (f" [red]({len(summary.failures)} failed)[/red]" if summary.failures else "")
    yield _count(summary.rate)
    yield _spread(summary.rate)
    for percent in (50.0, 99.0, 99.9, 99.99):
        yield _milliseconds(summary.latency_ms(percent))
    yield _one_decimal(summary.cpu_microseconds)
    yield _percent(summary.generator_share)
    yield _one_decimal(summary.collector_ms)


def _memory_row(summary: Summary) -> Iterator[str]:
    yield f"  {summary.peer}" + (f" [red]({len(summary.failures)} failed)[/red]" if summary.failures else "")
    yield _one_decimal(summary.kilobytes_per_connection)
    yield _spread(summary.kilobytes_per_connection)


def _count(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.median:,.0f}"


def _spread(figure: Figure | None) -> str:
    return NOTHING if figure is None or len(figure.values) < 2 else f"{figure.spread:.0%}"


def _milliseconds(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.median:.3g}" if figure.median < 100 else f"{figure.median:.0f}"


def _one_decimal(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.median:.1f}"


def _percent(figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    text = f"{figure.median:.0%}"
    return f"[red]{text}[/red]" if figure.median > BUSY_GENERATOR else text


def _warnings(results: Results) -> Iterator[str]:
    if not results.cores_apart:
        yield "Server and generator shared one core: latencies and rates are those of both together."
    for missing in results.missing:
        where = f" in {missing.scenario}" if missing.scenario else ""
        yield f"Missing{where}: {missing.peer}: {missing.reason}"
    yield from _failures(summarize(results.runs))


def _failures(summaries: Iterable[Summary]) -> Iterator[str]:
    for summary in summaries:
        for failure in dict.fromkeys(summary.failures):
            yield f"FAILED {summary.scenario.name}, {summary.point}, {summary.peer}: {failure}"


def print_comparison(console: Console, before: Results, after: Results, *, everything: bool) -> None:
    """Print what changed; with `everything`, also what is noise."""
    found = list(changes(before, after))
    shown = [change for change in found if everything or change.verdict != "noise"]
    table = Table(title=f"{len(found)} figures compared, {len(shown)} shown", title_justify="left", show_edge=False)
    for column in ("scenario", "point", "peer", "figure"):
        table.add_column(column)
    for column in ("before", "after", "change"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for change in shown:
        table.add_row(*_change_row(change))
    console.print(table)
    machine = drift(before, after, found)
    if machine is not None:
        console.print(f"Drift of the machine, by the peers that did not change: {machine - 1:+.1%} per second")
    elif found:
        console.print("No unchanged peer is in both files: the machine's own drift is unknown", style="yellow")


def _change_row(change: Change) -> Iterator[str]:
    yield from (change.scenario, change.point, change.peer, change.quantity.name)
    yield f"{change.before.median:,.4g} ±{change.before.spread:.0%}"
    yield f"{change.after.median:,.4g} ±{change.after.spread:.0%}"
    yield f"{change.ratio - 1:+.1%}"
    colour = {"better": "green", "worse": "red", "noise": "dim"}[change.verdict.removeprefix("likely ")]
    yield f"[{colour}]{change.verdict}[/{colour}]"
