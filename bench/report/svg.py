"""Line plots as inline SVG: axes, lines with points, a legend. Knows nothing of benchmarks."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 360
LEFT: Final = 70
RIGHT: Final = 190
TOP: Final = 16
BOTTOM: Final = 48
SAME: Final = 1e-12

COLOURS: Final = ("#2563eb", "#16a34a", "#d97706", "#dc2626", "#9333ea", "#6b7280", "#0891b2", "#be185d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line.

    Attributes:
        colour: picks from COLOURS, so that a peer has the same one in every plot.
        ranges: (x, least, greatest) of what a point is the middle of, drawn upright.
    """

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    ranges: Sequence[tuple[float, float, float]] = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis. A logarithmic one shows positive values only.

    Attributes:
        ticks: (value, label); if empty, they are chosen to suit.
    """

    title: str
    logarithmic: bool = False
    ticks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, at = (
            (math.log10(v) for v in (self.low, self.high, value))
            if self.logarithmic
            else (
                self.low,
                self.high,
                value,
            )
        )
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def plot(lines: Sequence[Line], x: Axis, y: Axis) -> str:
    """Draw lines; return an empty string if there is nothing to draw."""
    shown = [_showable(line, x, y) for line in lines]
    shown = [line for line in shown if line.points]
    if not shown:
        return ""
    x_scale = _scale([point[0] for line in shown for point in line.points], x, LEFT, WIDTH - RIGHT)
    y_scale = _scale([value for line in shown for value in _heights(line)], y, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        *_horizontal(x, x_scale),
        *_vertical(y, y_scale),
        *(part for line in shown for part in _draw(line, x_scale, y_scale)),
        *_legend(shown),
        "</svg>",
    ]
    return "\n".join(parts)


def _showable(line: Line, x: Axis, y: Axis) -> Line:
    points = [(a, b) for a, b in line.points if (a > 0 or not x.logarithmic) and (b > 0 or not y.logarithmic)]
    ranges = [part for part in line.ranges if (part[0] > 0 or not x.logarithmic) and (part[1] > 0 or not y.logarithmic)]
    return replace(line, points=sorted(points), ranges=ranges)


def _heights(line: Line) -> Iterator[float]:
    for _, value in line.points:
        yield value
    for _, least, greatest in line.ranges:
        yield from (least, greatest)


def _scale(values: Sequence[float], axis: Axis, start: float, end: float) -> Scale:
    """Cover the values; a linear axis starts at 0, a logarithmic one ends at whole powers of ten or a third of them."""
    ticks = [value for value, _ in axis.ticks]
    low, high = min((*values, *ticks)), max((*values, *ticks))
    if axis.logarithmic:
        low, high = (low / 1.1, high * 1.1) if ticks else (_step_down(low), _step_up(high))
    else:
        low = min(0.0, low)
        high = high * 1.05
    if abs(high - low) < SAME:
        high = low + 1
    return Scale(low, high, start, end, axis.logarithmic)


def _step_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step for step in (power, 3 * power) if step <= value)


def _step_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(step for step in (power, 3 * power, 10 * power) if step >= value)


def _ticks(axis: Axis, scale: Scale) -> Iterator[tuple[float, str]]:
    if axis.ticks:
        yield from axis.ticks
        return
    if scale.logarithmic:
        power = 10.0 ** math.floor(math.log10(scale.low))
        while power <= scale.high:
            for value in (power, 3 * power):
                if scale.low <= value <= scale.high:
                    yield value, _number(value)
            power *= 10
        return
    step = _round_step((scale.high - scale.low) / 5)
    for count in range(int(scale.high / step) + 1):
        yield count * step, _number(count * step)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _number(value: float) -> str:
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _horizontal(axis: Axis, scale: Scale) -> Iterator[str]:
    bottom = HEIGHT - BOTTOM
    for value, label in _ticks(axis, scale):
        at = scale(value)
        yield f'<line class="grid" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{bottom}"/>'
        yield _text(at, bottom + 16, label)
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, axis.title)


def _vertical(axis: Axis, scale: Scale) -> Iterator[str]:
    for value, label in _ticks(axis, scale):
        at = scale(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}"/>'
        yield _text(LEFT - 6, at + 4, label, "end")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield _text(16, middle, axis.title, more=f'transform="rotate(-90 16 {middle})"')


def _draw(line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[str]:
    colour = COLOURS[line.colour % len(COLOURS)]
    dash = ' stroke-dasharray="6 4"' if line.dashed else ""
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line.points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
    for at, least, greatest in line.ranges:
        yield f'<line x1="{x(at):.1f}" y1="{y(least):.1f}" x2="{x(at):.1f}" y2="{y(greatest):.1f}" stroke="{colour}"/>'
    if len(line.points) <= 20:
        for a, b in line.points:
            yield f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>'


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    left = WIDTH - RIGHT + 14
    for number, line in enumerate(lines):
        top = TOP + 12 + 18 * number
        colour = COLOURS[line.colour % len(COLOURS)]
        yield f'<rect x="{left}" y="{top - 8}" width="14" height="4" fill="{colour}"/>'
        yield _text(left + 20, top - 2, line.name, "start")
