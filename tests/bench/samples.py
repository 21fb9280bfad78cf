"""Results to test with."""

from collections.abc import Sequence

import msgspec

from bench.histogram import Histogram
from bench.machine import Machine
from bench.results import Missing, Results, Run
from bench.scenarios import SCENARIOS, Point

MACHINE = Machine(processor="a <processor>", cores=2, kernel="6.1", memory_gib=4.0, commit="abc", load_before=0.5)


def run(peer: str, repetition: int, rate: float, *, scenario: str = "fanout", memory_bytes: int = 0) -> Run:
    """A run of one second at a scenario's first point."""
    made = run_at(SCENARIOS[scenario].points[0], peer, rate, scenario=scenario)
    return msgspec.structs.replace(made, repetition=repetition, memory_bytes=memory_bytes)


def run_at(point: Point, peer: str, rate: float, *, scenario: str) -> Run:
    """A run of one second."""
    milliseconds = [round(1e9 / rate) + step * 1000 for step in range(100)]
    counts: dict[int, int] = {}
    for index in range(len(milliseconds)):
        counts[2000 + index * 10] = counts.get(2000 + index * 10, 0) + 1
    return Run(
        scenario=scenario,
        point=point.label,
        x=point.x,
        peer=peer,
        repetition=0,
        options=dict(point.options),
        seconds=1.0,
        counts={"deliveries": round(rate), "requests": round(rate), "connects": round(rate), "joins": round(rate)},
        histograms={"delivery": Histogram(counts).encode()},
        server_cpu_seconds=0.5,
        generator_cpu_seconds=0.25,
    )


def results(runs: Sequence[Run], missing: Sequence[Missing] = ()) -> Results:
    """Results of a machine that does not exist."""
    return Results(
        machine=MACHINE,
        started="2026-01-01T00:00:00+00:00",
        mode="run",
        cores_apart=True,
        versions={one.peer: {"it": "1.0"} for one in runs},
        missing=list(missing),
        runs=list(runs),
    )


def point(scenario: str, label: str) -> Point:
    """A scenario's point, by its label."""
    return next(point for point in SCENARIOS[scenario].points if point.label == label)


def costing(rooms: int, microseconds: float, peer: str = "slysock", generator: float = 0.25) -> Run:
    """A run in which a join cost so much of the server."""
    made = run_at(point("room-joins", f"{rooms} rooms"), peer, 1000, scenario="room-joins")
    return msgspec.structs.replace(made, server_cpu_seconds=microseconds * 1000 / 1e6, generator_cpu_seconds=generator)


def holding(connections: int, kilobytes: float, had: int | None = None) -> Run:
    """A run with so many idle connections, or with as many as could be `had`."""
    made = run_at(point("memory", f"{connections} connections"), "slysock", 1, scenario="memory")
    clients = had or connections
    return msgspec.structs.replace(
        made, x=clients, memory_bytes=round(kilobytes * 1000), options={**made.options, "clients": clients}
    )


EVERYTHING = results(
    [
        run("slysock", 0, 1000),
        run("slysock", 1, 1200),
        run("slysock", 2, 1100),
        msgspec.structs.replace(run("node", 0, 900), failure="2 failures: <lost>"),
        run("slysock", 0, 10, scenario="memory", memory_bytes=500_000),
        run("slysock", 0, 5000, scenario="echo"),
    ],
    [Missing("bun", "", "Bun does not run here")],
)
