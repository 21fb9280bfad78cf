import msgspec
import pytest

from bench.generator import CoreUse
from bench.noise import Noise, noise_of, usual_speed
from bench.results import Run
from tests.bench.samples import run

CALM = run("slysock", 0, 1000)  # a second, of which the server used 0.5 and the generator 0.25


def with_speeds(*speeds: float) -> Run:
    return msgspec.structs.replace(CALM, speeds=list(speeds))


def with_core(busy: float, steal: float = 0.0, seconds: float = 1.0) -> Run:
    core = CoreUse(busy_ns=round(busy * 1e9), steal_ns=round(steal * 1e9))
    return msgspec.structs.replace(CALM, server_core=core, seconds=seconds)


def test_a_run_that_tells_nothing_is_calm() -> None:
    assert noise_of(CALM, usual_speed([CALM])) == Noise()


def test_the_speed_that_is_further_from_the_usual_one_counts() -> None:
    runs = [with_speeds(100, 100), with_speeds(100, 65), with_speeds(104, 100)]
    assert usual_speed(runs) == 100
    noises = [noise_of(one, usual_speed(runs)) for one in runs]
    assert [str(noise) for noise in noises] == ["", "speed -35%", ""]
    assert [noise.disturbed for noise in noises] == [False, True, False]


def test_a_core_that_is_too_fast_is_as_suspicious() -> None:
    assert noise_of(with_speeds(130, 100), 100).disturbed


def test_what_neither_server_nor_generator_used_was_used_by_others() -> None:
    assert noise_of(with_core(0.7), 0).others == pytest.approx(0.2)
    assert str(noise_of(with_core(0.7), 0)) == "others 20%"
    assert not noise_of(with_core(0.45), 0).disturbed


def test_stolen_time_is_told() -> None:
    assert str(noise_of(with_core(0.5, steal=0.1), 0)) == "stolen 10%"


def test_a_window_too_short_for_the_kernel_s_account_tells_nothing_of_others() -> None:
    assert not noise_of(with_core(0.7, seconds=0.01), 0).disturbed
