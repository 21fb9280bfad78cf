"""The contents of the tables, in the terminal and on the page alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Figure, Summary, summarize
from bench.noise import OTHERS_LIMIT, SPEED_LIMIT, STOLEN_LIMIT
from bench.results import Results
from bench.scenarios import Scenario

NOTHING: Final = "-"
LATENCIES: Final = (50.0, 99.0, 99.9, 99.99)
LOAD_COLUMNS: Final = (
    "per second",
    "±",
    *(f"p{percent:g} ms" for percent in LATENCIES),
    "server µs each",
    "generator",
    "gc ms",
    "disturbed",
)
MEMORY_COLUMNS: Final = ("kB per connection", "±")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, as text.

    Attributes:
        alarming: whether the figures beside it are not what they seem.
    """

    text: str
    alarming: bool = False


def columns_of(scenario: Scenario) -> Sequence[str]:
    """Return the titles of a scenario's columns."""
    return MEMORY_COLUMNS if scenario.kind == "memory" else LOAD_COLUMNS


def cells_of(summary: Summary) -> Sequence[Cell]:
    """Return the cells of one row."""
    return tuple(_memory_cells(summary) if summary.scenario.kind == "memory" else _load_cells(summary))


def title_of(summaries: Sequence[Summary]) -> str:
    """Return the title of a point; it says how many clients could not be opened."""
    missing = max(summary.missing_clients for summary in summaries)
    return f"{summaries[0].point}{f' ({missing} fewer: limit of open files)' if missing else ''}"


def _load_cells(summary: Summary) -> Iterator[Cell]:
    yield Cell(_formatted(summary.rate, ",.0f"))
    yield Cell(_spread(summary.rate))
    for percent in LATENCIES:
        yield Cell(_milliseconds(summary.latency_ms(percent)))
    yield Cell(_formatted(summary.cpu_microseconds, ".1f"))
    yield Cell(_formatted(summary.generator_share, ".0%"), summary.generator_limits)
    yield Cell(_formatted(summary.collector_ms, ".1f"))
    yield Cell(summary.disturbance, alarming=True)


def _memory_cells(summary: Summary) -> Iterator[Cell]:
    yield Cell(_formatted(summary.kilobytes_per_connection, ".1f"))
    yield Cell(_spread(summary.kilobytes_per_connection))


def _formatted(figure: Figure | None, form: str) -> str:
    return NOTHING if figure is None else format(figure.median, form)


def _spread(figure: Figure | None) -> str:
    return NOTHING if figure is None or len(figure.values) < 2 else f"{figure.spread:.0%}"


def _milliseconds(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.median:.3g}" if figure.median < 100 else f"{figure.median:.0f}"


def warnings(results: Results) -> Iterator[str]:
    """Return what a reader of the tables must know."""
    if not results.cores_apart:
        yield "Server and generator shared one core: latencies and rates are those of both together."
    noises = [noise for summary in summarize(results.runs) for noise in summary.noises]
    disturbed = sum(noise.disturbed for noise in noises)
    if disturbed:
        yield (
            f"{disturbed} of {len(noises)} runs were disturbed: the server's core more than {SPEED_LIMIT:.0%} from its "
            f"median speed, other processes on a core for more than {OTHERS_LIMIT:.0%} of the time, or more than "
            f"{STOLEN_LIMIT:.0%} stolen by the hypervisor. Compare what was not, or measure again."
        )
