import re

import pytest

from bench.build import BENCH
from bench.peers.registry import PEERS
from bench.scenarios import SCENARIOS, Scenario

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


def test_every_scenario_of_growth_has_several_sizes_in_each_group() -> None:
    groups: dict[tuple[str, str], set[float]] = {}
    for scenario in SCENARIOS.values():
        for one in scenario.points:
            if one.growth:
                groups.setdefault((scenario.name, one.group), set()).add(one.x)
    assert groups
    assert all(len(sizes) > 1 for sizes in groups.values())
