"""The page: what was measured on what, then each scenario with its table and plots."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from bench.cells import Cell, cells_of, columns_of, title_of, warnings
from bench.figures import Summary, summarize
from bench.report.plots import plots_of
from bench.results import Results

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .15rem .6rem; text-align: right; } th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
th { border-bottom: 1px solid #8888; font-weight: 600; } tr.point td { font-weight: 600; padding-top: .8rem; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: #8883; } figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
.failed { color: #dc2626; } .note { color: #888; }
"""


def render(results: Results) -> str:
    """Render everything as one page."""
    by_scenario: dict[str, list[Summary]] = {}
    for summary in summarize(results.runs):
        by_scenario.setdefault(summary.scenario.name, []).append(summary)
    sections = [part for summaries in by_scenario.values() for part in _section(summaries)]
    return "\n".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>slysock benchmark</title>',
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>',
            "<h1>slysock benchmark</h1>",
            *_circumstances(results),
            *sections,
            "</html>",
        )
    )


def _circumstances(results: Results) -> Iterator[str]:
    machine = results.machine
    yield (
        f"<p>{escape(results.started)}, mode {escape(results.mode)}, commit {escape(machine.commit or 'unknown')}.<br>"
        f"{escape(machine.processor)}, {machine.cores} cores, {machine.memory_gib} GiB, "
        f"Linux {escape(machine.kernel)}, load before: {machine.load_before:.2f}.</p>"
    )
    for warning in warnings(results):
        yield f'<p class="failed">{escape(warning)}</p>'
    yield "<p>Figures are medians over repetitions; upright lines in the plots are their range.</p>"
    yield "<ul>"
    for peer, versions in results.versions.items():
        made_of = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield f"<li>{escape(peer)}{': ' if made_of else ''}{escape(made_of)}</li>"
    for missing in results.missing:
        where = f" in {missing.scenario}" if missing.scenario else ""
        yield f'<li class="note">missing{escape(where)}: {escape(missing.peer)}: {escape(missing.reason)}</li>'
    yield "</ul>"


def _section(summaries: Sequence[Summary]) -> Iterator[str]:
    scenario = summaries[0].scenario
    yield f"<h2>{escape(scenario.title)}</h2>"
    yield from _table(summaries)
    for summary in summaries:
        for failure in dict.fromkeys(summary.failures):
            yield f'<p class="failed">{escape(summary.peer)}, {escape(summary.point)}: {escape(failure)}</p>'
    for caption, svg in plots_of(summaries):
        yield f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def _table(summaries: Sequence[Summary]) -> Iterator[str]:
    columns = columns_of(summaries[0].scenario)
    yield "<table><tr><th></th>" + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
    for point in dict.fromkeys(summary.point for summary in summaries):
        at_point = [summary for summary in summaries if summary.point == point]
        yield f'<tr class="point"><td colspan="{len(columns) + 1}">{escape(title_of(at_point))}</td></tr>'
        for summary in at_point:
            yield f"<tr><td>{escape(summary.peer)}</td>{''.join(map(_cell, cells_of(summary)))}</tr>"
    yield "</table>"


def _cell(cell: Cell) -> str:
    return f"<td{' class=failed' if cell.alarming else ''}>{escape(cell.text)}</td>"
