"""Growth as small tables in the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.growth import Growth, Size

GENERATOR: Final = "*"
DISTURBED: Final = "~"
SHRUNK: Final = "!"
LEGEND: Final = {
    GENERATOR: "the generator used more than 90 % of its core: it may be what limited",
    DISTURBED: "one of its runs was disturbed, see above",
    SHRUNK: "the limit of open files allowed fewer clients than asked for",
}


def print_growth(console: Console, growths: Iterable[Growth]) -> None:
    """Print a table for each thing that grows: a row for each peer, with the cost at each size and its growth."""
    by_title: dict[str, list[Growth]] = {}
    for growth in growths:
        by_title.setdefault(growth.title, []).append(growth)
    for title, rows in by_title.items():
        console.print(title, style="italic", highlight=False, markup=False)
        console.print(_table(rows))
    sizes = [size for rows in by_title.values() for growth in rows for size in growth.sizes]
    used = {mark for size in sizes for mark in _marks(size)}
    for mark, meaning in LEGEND.items():
        if mark in used:
            console.print(f"{mark} {meaning}", style="yellow", highlight=False, markup=False)


def _table(rows: Sequence[Growth]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    at = sorted({size.x for growth in rows for size in growth.sizes})
    of_memory = any(size.total_bytes for growth in rows for size in growth.sizes)
    table.add_column("", no_wrap=True)
    for x in at:
        table.add_column(_number(x), justify="right", no_wrap=True)
    table.add_column("largest / smallest", justify="right")
    for before, after in pairwise(at) if of_memory else ():
        table.add_column(f"bytes each, {_number(before)} to {_number(after)}", justify="right")
    for growth in rows:
        table.add_row(growth.peer, *_costs(growth, at), _ratio(growth), *(_slopes(growth, at) if of_memory else ()))
    return table


def _costs(growth: Growth, at: Sequence[float]) -> Iterator[str]:
    sizes = {size.x: size for size in growth.sizes}
    for x in at:
        yield _cost(sizes[x]) if x in sizes else ""


def _cost(size: Size) -> str:
    if size.cost is None:
        return "failed"
    spread = f" ±{size.cost.spread:.0%}" if len(size.cost.values) > 1 else ""
    return f"{size.cost.median:.2f}{spread}{_marks(size)}"


def _marks(size: Size) -> str:
    told = ((GENERATOR, size.generator_limits), (DISTURBED, size.disturbed), (SHRUNK, size.shrunk))
    return "".join(mark for mark, is_so in told if is_so)


def _ratio(growth: Growth) -> str:
    return "-" if growth.ratio is None else f"{growth.ratio:.2f}"


def _slopes(growth: Growth, at: Sequence[float]) -> Iterator[str]:
    """Yield the slopes; none for a peer that lacks a size."""
    complete = [size.x for size in growth.sizes if size.cost] == list(at)
    for slope in growth.slopes if complete else ():
        yield f"{slope:,.0f}"


def _number(x: float) -> str:
    return f"{x:,.0f}".replace(",", " ")
