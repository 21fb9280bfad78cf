from bench.peers.registry import PEERS
from bench.plan import Session, estimated_seconds, in_words
from bench.scenarios import SCENARIOS
from bench.settings import FULL, SMOKE


def test_an_estimate_grows_with_what_is_asked() -> None:
    scenario = SCENARIOS["fanout"]
    peer = PEERS["slysock"]
    one = Session(scenario=scenario, points=scenario.points[:1], peer=peer, repetition=0)
    every = Session(scenario=scenario, points=scenario.points, peer=peer, repetition=0)
    assert 0 < estimated_seconds([one], SMOKE) < estimated_seconds([one], FULL) < estimated_seconds([every], FULL)
    assert estimated_seconds([one, one], FULL) == 2 * estimated_seconds([one], FULL)


def test_durations_are_said_as_roughly_as_they_are_known() -> None:
    assert [in_words(seconds) for seconds in (0.1, 59, 61, 3000, 9000)] == ["1 s", "59 s", "1 min", "50 min", "2.5 h"]
