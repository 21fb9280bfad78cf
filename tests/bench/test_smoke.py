"""The harness from end to end: every scenario for an instant, with slysock. Figures mean nothing here."""

import os
from pathlib import Path

import pytest

from bench.build import CannotBuild, program
from bench.peers.registry import PEERS
from bench.plan import Work
from bench.runner import Runner, Step
from bench.settings import SMOKE
from bench.smoke import SMOKE_PEERS, smoke_work

pytestmark = pytest.mark.port

WORK = list(smoke_work())


@pytest.mark.parametrize("work", WORK, ids=[scenario.name for scenario, _ in WORK])
def test_every_scenario_runs_without_a_failure(work: Work, tmp_path: Path) -> None:
    try:
        program("generator")
    except CannotBuild as error:
        pytest.skip(str(error))
    peer = next(name for name in SMOKE_PEERS if PEERS[name].application == work[0].application)
    results = Runner(SMOKE, [peer], tmp_path).run([work])
    assert results.runs
    assert [run.failure for run in results.runs if run.failure] == []


def test_an_interrupt_ends_every_process_and_keeps_what_was_measured(tmp_path: Path) -> None:
    def interrupt(step: Step) -> None:
        if step.number and step.text.startswith("fanout"):
            raise KeyboardInterrupt

    runner = Runner(SMOKE, ["slysock", "floor"], tmp_path, interrupt)
    results = runner.run(WORK)
    assert runner.interrupted
    assert len(results.runs) == 1
    assert children() == set()


def children() -> set[str]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {Path(f"/proc/{pid}/cmdline").read_text() for pid in found}
