from pathlib import Path

import pytest

from bench.speed import core_speed

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]

ANY_CORE = -1


def test_a_core_tells_its_speed(tmp_path: Path) -> None:
    assert core_speed(ANY_CORE, tmp_path / "log") > 0
