"""The page: what was measured on what, then each scenario with its table and plots."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from bench.figures import Figure, Summary, summarize
from bench.report.plots import plots_of
from bench.results import Results

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .15rem .6rem; text-align: right; } th:first-child, td:first-child { text-align: left; }
th { border-bottom: 1px solid #8888; font-weight: 600; } tr.point td { font-weight: 600; padding-top: .8rem; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: #8883; } figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
.failed { color: #dc2626; } .note { color: #888; }
"""

COLUMNS: Final = ("", "per second", "±", "p50 ms", "p99 ms", "p99.9 ms", "p99.99 ms", "server µs each", "generator")


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
    if not results.cores_apart:
        yield '<p class="failed">Server and generator shared one core.</p>'
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
    yield from _memory_table(summaries) if scenario.kind == "memory" else _table(summaries)
    for summary in summaries:
        for failure in dict.fromkeys(summary.failures):
            yield f'<p class="failed">{escape(summary.peer)}, {escape(summary.point)}: {escape(failure)}</p>'
    for caption, svg in plots_of(summaries):
        yield f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def _table(summaries: Sequence[Summary]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{column}</th>" for column in COLUMNS) + "</tr>"
    for point in dict.fromkeys(summary.point for summary in summaries):
        yield f'<tr class="point"><td colspan="{len(COLUMNS)}">{escape(point)}</td></tr>'
        for summary in summaries:
            if summary.point == point:
                yield _row(summary.peer, _cells(summary))
    yield "</table>"


def _memory_table(summaries: Sequence[Summary]) -> Iterator[str]:
    yield "<table><tr><th></th><th>kB per connection</th><th>±</th></tr>"
    for summary in summaries:
        each = summary.kilobytes_per_connection
        yield _row(f"{summary.point}: {summary.peer}", (_value(each, ".1f"), _spread(each)))
    yield "</table>"


def _row(name: str, cells: Sequence[str]) -> str:
    return f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _cells(summary: Summary) -> Sequence[str]:
    return (
        _value(summary.rate, ",.0f"),
        _spread(summary.rate),
        *(_value(summary.latency_ms(percent), ".3g") for percent in (50, 99, 99.9, 99.99)),
        _value(summary.cpu_microseconds, ".1f"),
        _value(summary.generator_share, ".0%"),
    )


def _value(figure: Figure | None, form: str) -> str:
    return "-" if figure is None else format(figure.median, form)


def _spread(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.spread:.0%}"
