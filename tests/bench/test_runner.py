"""The harness from end to end: every scenario for an instant, with slysock. Figures mean nothing here."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import runner as runner_module
from bench.peers.registry import PEERS, Peer
from bench.peers.server import Server, serving
from bench.plan import Work
from bench.runner import Runner, Step
from bench.scenarios.fanout import FANOUT
from bench.settings import SMOKE
from bench.smoke import SMOKE_PEERS, smoke_work

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]

WORK = list(smoke_work())


@pytest.mark.parametrize("work", WORK, ids=[scenario.name for scenario, _ in WORK])
def test_every_scenario_runs_without_a_failure(work: Work, tmp_path: Path) -> None:
    peer = next(name for name in SMOKE_PEERS if PEERS[name].application == work[0].application)
    results = Runner(SMOKE, [peer], tmp_path).run([work])
    assert results.runs
    assert [run.failure for run in results.runs if run.failure] == []


def test_an_interrupt_ends_every_process_and_keeps_what_was_measured(tmp_path: Path) -> None:
    def interrupt(step: Step) -> None:
        if step.number and step.text.startswith("fanout"):
            raise KeyboardInterrupt

    told: list[str] = []
    runner = Runner(SMOKE, ["slysock", "floor"], tmp_path, interrupt, told.append)
    results = runner.run(WORK)
    assert runner.interrupted
    assert told[0].endswith((" s", " min"))
    assert len(results.runs) == 1
    assert children() == set()


def test_what_a_larger_point_leaves_behind_is_not_on_a_smaller_one_s_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    @contextmanager
    def counting(peer: Peer, cpu: int, logs: Path, service_cpu: int) -> Generator[Server]:
        with serving(peer, cpu, logs, service_cpu) as server:
            started.append(peer.name)
            yield server

    monkeypatch.setattr(runner_module, "serving", counting)
    points = [replace(FANOUT.points[0], label=str(n), options={"clients": n, "in_flight": 1}) for n in (2, 4, 3, 3)]
    results = Runner(SMOKE, ["floor"], tmp_path).run([(FANOUT, points)])
    assert [run.point for run in results.runs] == ["2", "4", "3", "3"]
    assert len(started) == 2


def children() -> set[str]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {Path(f"/proc/{pid}/cmdline").read_text() for pid in found}
