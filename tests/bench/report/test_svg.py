import re
from xml.etree import ElementTree as ET

from bench.report.svg import Axis, Line, plot

LINEAR = Axis(title="x")
LOGARITHMIC = Axis(title="y", logarithmic=True)


def heights(drawn: str) -> list[float]:
    """The pixels of a line's points, from the top."""
    points = re.findall(r'<polyline points="([^"]*)"', drawn)[0].split()
    return [float(point.partition(",")[2]) for point in points]


def test_nothing_to_draw_is_an_empty_text() -> None:
    assert plot([], LINEAR, LINEAR) == ""
    assert plot([Line(name="a", colour=0, points=[(1, 0)])], LINEAR, LOGARITHMIC) == ""


def test_points_stand_in_order_and_larger_ones_higher() -> None:
    drawn = plot([Line(name="a", colour=0, points=[(3, 30), (1, 10), (2, 20)])], LINEAR, LINEAR)
    assert heights(drawn) == sorted(heights(drawn), reverse=True)


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis() -> None:
    low, middle, high = heights(
        plot([Line(name="a", colour=0, points=[(1, 1), (2, 10), (3, 100)])], LINEAR, LOGARITHMIC)
    )
    assert abs((low - middle) - (middle - high)) < 0.2


def test_a_single_value_still_has_a_scale() -> None:
    ET.fromstring(plot([Line(name="a", colour=0, points=[(0, 0)])], LINEAR, LINEAR))


def test_names_are_escaped() -> None:
    assert "a&lt;b" in plot([Line(name="a<b", colour=0, points=[(1, 1)])], LINEAR, LINEAR)
