"""What a scenario is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from bench.generator import Options
from bench.peers.registry import Application, Feature

CONTEXT: Final = frozenset({"floor", "trio-websocket", "slysock-marketplace-mongodb"})
"""Peers that show where the limits are. They are not competitors, so the quick mode runs them only once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One set of options out of a scenario's range.

    Attributes:
        label: unique in the scenario.
        x: where it stands on the axis of a plot.
        group: points of one group make one line.
        quick: whether the quick mode has it too.
        growth: whether its cost, compared with others in its group, shows how cost grows with x.
        of_capacity: open loop at this fraction of the capacity of the scenario's reference.
        needs: what a server must be able to do, beyond the scenario's own needs.
    """

    label: str
    x: float
    options: Options
    group: str = ""
    quick: bool = False
    growth: bool = False
    of_capacity: float | None = None
    needs: frozenset[Feature] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A question about servers, asked at several points.

    Attributes:
        counted: what the throughput counts, a name in Run.counts.
        series: whose latency is shown, a name in generator/run.h.
        x_title: what grows from point to point.
        kind: load measures a busy server, memory what idle connections hold.
        calibration: options that find the reference's capacity (closed loop), for points with `of_capacity`.
        application: what the servers must serve: the benchmark's own protocol, or a chat system of the project.
        prepare: writes files that the generator needs into a folder; returns the options that name them.
    """

    name: str
    title: str
    counted: Literal["deliveries", "requests", "connects", "joins"]
    series: Literal["delivery", "delivery_polling", "request", "connect", "join"]
    x_title: str
    points: Sequence[Point]
    kind: Literal["load", "memory"] = "load"
    needs: frozenset[Feature] = frozenset({"websocket"})
    calibration: Options = field(default_factory=dict[str, int | float | str])
    application: Application = "bench"
    prepare: Callable[[Path, Options], Options] | None = None
