from bench.scenarios import SCENARIOS
from bench.settings import QUICK, SMOKE


def test_memory_is_repeated_less_often_where_the_mode_says_so() -> None:
    assert QUICK.repetitions_of(SCENARIOS["memory"]) == QUICK.memory_repetitions == 1
    assert QUICK.repetitions_of(SCENARIOS["echo"]) == QUICK.repetitions
    assert SMOKE.repetitions_of(SCENARIOS["memory"]) == SMOKE.repetitions
