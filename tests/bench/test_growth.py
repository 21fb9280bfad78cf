import io
from collections.abc import Sequence

import msgspec
from rich.console import Console

from bench.figures import summarize
from bench.growth import Growth, growths
from bench.growth_table import print_growth
from bench.peers.registry import PEERS
from bench.plan import Session, estimated_seconds, in_words
from bench.results import Run
from bench.scenarios import SCENARIOS, Point
from bench.settings import FULL, SMOKE
from tests.bench.samples import run, run_at


def point(scenario: str, label: str) -> Point:
    return next(point for point in SCENARIOS[scenario].points if point.label == label)


def costing(rooms: int, microseconds: float, peer: str = "slysock", generator: float = 0.25) -> Run:
    made = run_at(point("room-joins", f"{rooms} rooms"), peer, 1000, scenario="room-joins")
    return msgspec.structs.replace(made, server_cpu_seconds=microseconds * 1000 / 1e6, generator_cpu_seconds=generator)


def holding(connections: int, kilobytes: float, had: int | None = None) -> Run:
    made = run_at(point("memory", f"{connections} connections"), "slysock", 1, scenario="memory")
    clients = had or connections
    return msgspec.structs.replace(
        made, x=clients, memory_bytes=round(kilobytes * 1000), options={**made.options, "clients": clients}
    )


def grown(runs: Sequence[Run]) -> list[Growth]:
    return list(growths(summarize(runs)))


def printed(runs: Sequence[Run]) -> str:
    console = Console(width=150, record=True, file=io.StringIO())
    print_growth(console, grown(runs))
    return console.export_text()


def test_the_ratio_is_that_of_the_largest_to_the_smallest_size_in_any_order() -> None:
    (growth,) = grown([costing(10_000, 12), costing(100, 10), costing(1000, 50)])
    assert [size.x for size in growth.sizes] == [100, 1000, 10_000]
    assert growth.ratio == 1.2


def test_memory_is_told_by_what_each_added_connection_takes() -> None:
    (growth,) = grown([holding(1000, 10_000), holding(5000, 30_000), holding(10_000, 80_000)])
    assert growth.slopes == [5000, 10_000]
    assert "5,000" in printed([holding(1000, 10_000), holding(5000, 30_000)])


def test_one_size_tells_nothing_of_growth() -> None:
    assert grown([costing(100, 10)]) == []
    assert printed([costing(100, 10)]) == ""


def test_points_that_are_not_meant_for_it_are_left_out() -> None:
    assert grown([run("slysock", 0, 10, scenario="echo"), run("slysock", 0, 10, scenario="fanout")]) == []


def test_peers_have_a_row_each() -> None:
    text = printed([costing(rooms, 10, peer) for rooms in (100, 1000) for peer in ("slysock", "node")])
    assert text.count("1.00") == 2
    assert "join or leave, by rooms" in text


def test_a_busy_generator_is_marked() -> None:
    text = printed([costing(100, 10), costing(1000, 10, generator=0.95)])
    assert "10.00*" in text
    assert "* the generator" in text


def test_a_disturbed_run_is_marked() -> None:
    calm = msgspec.structs.replace(costing(100, 10), speeds=[100.0, 100.0])
    slow = msgspec.structs.replace(costing(1000, 10), speeds=[100.0, 50.0])
    assert "10.00~" in printed([calm, slow])


def test_a_point_that_the_file_limit_shrank_is_marked_and_stands_where_it_was() -> None:
    runs = [holding(10_000, 10_000), holding(20_000, 19_800, had=19_800)]
    assert grown(runs)[0].slopes == [1000]
    assert "1.00!" in printed(runs)
    assert "19 800" in printed(runs)


def test_a_failed_size_leaves_the_ratio_unknown() -> None:
    failed = msgspec.structs.replace(costing(1000, 10), failure="lost")
    (growth,) = grown([costing(100, 10), failed])
    assert growth.ratio is None
    assert "failed" in printed([costing(100, 10), failed])


def test_every_scenario_of_growth_has_several_sizes_in_each_group() -> None:
    groups: dict[tuple[str, str], set[float]] = {}
    for scenario in SCENARIOS.values():
        for one in scenario.points:
            if one.growth:
                groups.setdefault((scenario.name, one.group), set()).add(one.x)
    assert groups
    assert all(len(sizes) > 1 for sizes in groups.values())


def test_an_estimate_grows_with_what_is_asked() -> None:
    scenario = SCENARIOS["fanout"]
    peer = PEERS["slysock"]
    one = Session(scenario=scenario, points=scenario.points[:1], peer=peer, repetition=0)
    every = Session(scenario=scenario, points=scenario.points, peer=peer, repetition=0)
    assert 0 < estimated_seconds([one], SMOKE) < estimated_seconds([one], FULL) < estimated_seconds([every], FULL)
    assert estimated_seconds([one, one], FULL) == 2 * estimated_seconds([one], FULL)


def test_durations_are_said_as_roughly_as_they_are_known() -> None:
    assert [in_words(seconds) for seconds in (0.1, 59, 61, 3000, 9000)] == ["1 s", "59 s", "1 min", "50 min", "2.5 h"]
