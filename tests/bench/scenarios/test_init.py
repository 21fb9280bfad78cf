import re

import pytest

from bench.build import BENCH
from bench.peers.registry import PEERS
from bench.scenarios import SCENARIOS, Scenario
from bench.smoke import FEW, smoke_work

OPTIONS = set(re.findall(r"OPTION\(\w+, (\w+)\)", (BENCH / "generator" / "options.c").read_text())) - {"kind, name"}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_option_is_one_that_the_generator_knows(scenario: Scenario) -> None:
    for options in (scenario.calibration, *(point.options for point in scenario.points)):
        assert set(options) <= OPTIONS


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_labels_are_unique_and_somebody_can_serve_every_point(scenario: Scenario) -> None:
    labels = [point.label for point in scenario.points]
    assert len(set(labels)) == len(labels)
    peers = [peer for peer in PEERS.values() if peer.application == scenario.application]
    for point in scenario.points:
        assert any(scenario.needs | point.needs <= peer.features for peer in peers)


def test_the_smoke_run_is_small_and_leaves_no_scenario_out() -> None:
    work = list(smoke_work())
    assert [scenario.name for scenario, _ in work] == list(SCENARIOS)
    for _, points in work:
        assert all(int(point.options["clients"]) <= FEW for point in points)


def test_no_lock_file_names_a_registry() -> None:
    lock = (BENCH / "peers" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
