"""The soak itself: that it notices, and that it runs."""

import pytest

from bench import soak as soaking
from bench.soak import SoakFailed, soak

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soaking, "ROUND_SECONDS", 0.2)
    monkeypatch.setattr(soaking, "LOAD", {**soaking.LOAD, "clients": 10, "warmup": 0.1, "seconds": 0.2})


def test_every_round_is_told_with_its_memory() -> None:
    told: list[str] = []
    soak("slysock", 0.001, told.append)
    assert [line.split(":")[0] for line in told[:4]] == [f"round {number} of 4" for number in (1, 2, 3, 4)]
    assert told[4].endswith("nothing is kept")


def test_memory_that_grows_fails_the_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soaking, "ALLOWED_GROWTH", -1.0)
    with pytest.raises(SoakFailed, match="at the end"):
        soak("slysock", 0.001, lambda _: None)
