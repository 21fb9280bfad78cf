"""Results as tables in the terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.cells import Cell, cells_of, columns_of, title_of, warnings
from bench.compare import Change, changes, circumstances, drift, expected_by_chance
from bench.figures import Summary, summarize
from bench.results import Results


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
    table = Table(title=scenario.title, title_justify="left", show_edge=False, pad_edge=False)
    for column in ("", *columns_of(scenario)):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for point in dict.fromkeys(summary.point for summary in summaries):
        at_point = sorted((summary for summary in summaries if summary.point == point), key=_order)
        table.add_row(Text(title_of(at_point), style="bold"))
        for summary in at_point:
            table.add_row(_name(summary), *(_text(cell) for cell in cells_of(summary)))
        table.add_section()
    return table


def _order(summary: Summary) -> float:
    """Return the sort key of a summary: the best first."""
    memory = summary.scenario.kind == "memory"
    figure = summary.kilobytes_per_connection if memory else summary.rate
    if figure is None:
        return float("inf")
    return figure.median if memory else -figure.median


def _name(summary: Summary) -> Text:
    failed = f" ({len(summary.failures)} failed)" if summary.failures else ""
    return Text.assemble(f"  {summary.peer}", (failed, "red"))


def _text(cell: Cell) -> Text:
    return Text(cell.text, style="red" if cell.alarming else "")


def _warnings(results: Results) -> Iterator[str]:
    yield from warnings(results)
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
    console.print(f"By chance alone, at most {expected_by_chance(found):.1f} of {len(found)} would be called changed")
    for circumstance in circumstances(before, after):
        console.print(circumstance, style="yellow", highlight=False, markup=False)
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
    yield f"[{colour}]{change.verdict}[/{colour}]{' (disturbed)' if change.disturbed else ''}"
