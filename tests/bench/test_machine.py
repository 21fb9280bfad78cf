import os

from bench.machine import keeping_off


def test_the_harness_keeps_off_the_server_s_core_and_comes_back() -> None:
    allowed = os.sched_getaffinity(0)
    core = min(allowed)
    with keeping_off(core):
        assert os.sched_getaffinity(0) == (allowed - {core} or allowed)
    assert os.sched_getaffinity(0) == allowed


def test_without_a_core_of_the_server_the_harness_runs_anywhere() -> None:
    allowed = os.sched_getaffinity(0)
    with keeping_off(-1):
        assert os.sched_getaffinity(0) == allowed
