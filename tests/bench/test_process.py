import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.process import Lines, ProcessFailed, running

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]

ANY_CORE = -1


@pytest.fixture
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lines]:
    """The output of a Python program, given as a parameter."""
    log = tmp_path / "log"
    with running([sys.executable, "-c", request.param], ANY_CORE, log, environment={"WORD": "told"}) as process:
        yield Lines(process, log)


@pytest.mark.parametrize("lines", ["import os; print(os.environ['WORD']); print('two')"], indirect=True)
def test_lines_come_one_by_one_and_the_environment_is_added_to(lines: Lines) -> None:
    assert [lines.next(20), lines.next(20)] == [b"told", b"two"]


@pytest.mark.parametrize("lines", ["import sys; sys.exit('the last words')"], indirect=True)
def test_a_process_that_ended_is_quoted(lines: Lines) -> None:
    with pytest.raises(ProcessFailed, match="ended: the last words"):
        lines.next(20)


@pytest.mark.parametrize("lines", ["input()"], indirect=True)
def test_a_silent_process_is_not_waited_for_longer_than_asked(lines: Lines) -> None:
    with pytest.raises(ProcessFailed, match="silent for 0 s"):
        lines.next(0)


def test_a_process_is_gone_with_its_block(tmp_path: Path) -> None:
    with running([sys.executable, "-c", "input()"], ANY_CORE, tmp_path / "log") as process:
        assert process.poll() is None
    assert process.returncode is not None
