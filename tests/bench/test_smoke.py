from bench.scenarios import SCENARIOS
from bench.smoke import FEW, smoke_work


def test_the_smoke_run_is_small_and_leaves_no_scenario_out() -> None:
    work = list(smoke_work())
    assert [scenario.name for scenario, _ in work] == list(SCENARIOS)
    for _, points in work:
        assert all(int(point.options["clients"]) <= FEW for point in points)
