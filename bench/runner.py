"""Runs scenarios: the peers in turn within each repetition, so that what disturbs the machine disturbs them alike."""

import statistics
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import msgspec

from bench import machine
from bench.build import program
from bench.generator import Options, measure
from bench.peers.javascript import Missing as PeerMissing
from bench.peers.registry import PEERS, Peer
from bench.peers.server import Server, serving
from bench.plan import Session, Work, estimated_seconds, in_words
from bench.process import ProcessFailed
from bench.results import Missing, Results, Run, run_of
from bench.scenarios import Point, Scenario
from bench.scenarios.model import CONTEXT
from bench.settings import SETTLE_SECONDS, Settings
from bench.speed import core_speed

CALIBRATION_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What is about to be done, for a progress bar."""

    number: int
    total: int
    text: str


@final
@dataclass(slots=True)
class Runner:
    """Runs a list of work with a choice of peers.

    Attributes:
        logs: a folder for the error output of servers and generator.
        watch: called with each step.
        tell: called with a text about what is about to begin.
        interrupted: whether Ctrl+C ended it early.
    """

    settings: Settings
    peers: Sequence[str]
    logs: Path
    watch: Callable[[Step], None] = lambda _step: None
    tell: Callable[[str], None] = lambda _text: None
    interrupted: bool = False
    # (peer, scenario or "") -> why it takes no part
    _missing: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _runs: list[Run] = field(default_factory=list[Run])
    # a scenario's calibration -> deliveries per second
    _capacity: dict[str, float] = field(default_factory=dict[str, float])
    _cores: machine.Cores = field(default_factory=machine.choose_cores)
    _began: float = 0.0

    def run(self, work: Sequence[Work]) -> Results:
        """Do all the work and return the results; on Ctrl+C, return those until then."""
        described = machine.describe()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        connections = machine.raise_descriptor_limit()
        self._look_for_peers()
        self._began = time.monotonic()
        try:
            with machine.keeping_off(self._cores.server):
                self._do(work, connections)
        except KeyboardInterrupt:
            self.interrupted = True
        return Results(
            machine=described,
            started=started,
            mode=self.settings.mode,
            cores_apart=self._cores.apart,
            generator=program("generator").name.partition("-")[2],
            versions={name: PEERS[name].versions() for name in self.peers if (name, "") not in self._missing},
            missing=[Missing(peer, scenario, reason) for (peer, scenario), reason in self._missing.items()],
            runs=self._runs,
        )

    def _look_for_peers(self) -> None:
        """Install what can be installed, before anything is measured."""
        for number, name in enumerate(self.peers):
            self.watch(Step(number, len(self.peers), f"looking for {PEERS[name].title}"))
            try:
                PEERS[name].command(self.logs)
            except PeerMissing as error:
                self._missing[name, ""] = str(error)

    def _do(self, work: Sequence[Work], connections: int) -> None:
        sessions = list(self._sessions(work))
        total = sum(len(session.points) for session in sessions)
        self.tell(f"{total} runs, about {in_words(estimated_seconds(sessions, self.settings))}")
        number = 0
        for session in sessions:
            with closing(self._session(session, connections)) as outcomes:
                for outcome in outcomes:
                    number += 1
                    self._runs.append(outcome)
                    self.watch(Step(number, total, f"{outcome.scenario}: {outcome.point}, {outcome.peer}"))

    def _sessions(self, work: Sequence[Work]) -> Iterator[Session]:
        for scenario, points in work:
            for repetition in range(self.settings.repetitions_of(scenario)):
                for peer in self._peers_of(scenario, repetition):
                    possible = [point for point in points if point.needs <= peer.features]
                    if possible:
                        yield Session(scenario=scenario, points=possible, peer=peer, repetition=repetition)

    def _peers_of(self, scenario: Scenario, repetition: int) -> Iterator[Peer]:
        """Yield the peers of one repetition; every repetition begins with another one."""
        shift = repetition % len(self.peers)
        for name in (*self.peers[shift:], *self.peers[:shift]):
            peer = PEERS[name]
            if peer.application != scenario.application:
                continue
            lacking = scenario.needs - peer.features
            if lacking:
                self._missing[name, scenario.name] = f"does not do {', '.join(sorted(lacking))}"
            elif (name, "") not in self._missing and (
                name not in CONTEXT or repetition < self.settings.context_repetitions
            ):
                yield peer

    # -- one server process --------------------------------------------------------------------------------------------

    def _session(self, session: Session, connections: int) -> Generator[Run, None, None]:
        """Serve points with one process as long as each has more clients than the last, and no run fails.

        A smaller point would pay for what a larger one leaves behind, such as garbage to collect. If memory is
        measured, every point has its own process.
        """
        left = list(session.points)
        while left:
            try:
                capacity = self._capacity_of(session.scenario)
                with serving(session.peer, self._cores.server, self.logs, self._cores.generator) as server:
                    speed = self._speed(server)
                    while left:
                        point = left[0]
                        run = self._one(session, point, server, speed, capacity, connections)
                        del left[0]
                        yield run
                        if session.scenario.kind == "memory" or run.failure or _is_larger(point, left):
                            break
                        speed = run.speeds[-1]
            except ProcessFailed as error:
                yield _failed(_empty(session, left.pop(0), {}), str(error))

    def _one(
        self, session: Session, point: Point, server: Server, speed: float, capacity: float, connections: int
    ) -> Run:
        """Run one point, with the speed of the server's core before and after."""
        empty = self._prepared(session, point, capacity, connections)
        try:
            run = self._measure(session.scenario, server, empty)
            speeds = [speed, self._speed(server)]
        except ProcessFailed as error:
            return _failed(empty, f"{error}\n{server.last_words()}".strip())
        run = msgspec.structs.replace(run, speeds=speeds, at_seconds=round(time.monotonic() - self._began, 3))
        if run.failure:
            return _failed(run, f"{run.failure}\n{server.last_words()}".strip())
        if session.scenario.kind == "load" and not run.counts[session.scenario.counted]:
            return _failed(run, f"no {session.scenario.counted} in the measured window: too slow for it, or stuck")
        return run

    def _prepared(self, session: Session, point: Point, capacity: float, connections: int) -> Run:
        """Prepare a run: its options are what this machine and this peer allow."""
        options = {**self.settings.options(), **point.options}
        options["clients"] = min(int(options.get("clients", 1)), connections)
        if point.of_capacity is not None:
            options["publish_rate"] = point.of_capacity * capacity / int(options["clients"])
        if "gc" not in session.peer.features:
            options.pop("gc", None)
        empty = _empty(session, point, options)
        # What could not be had in full is no point of its own label: the figure is by what there was.
        return _with_x(empty, int(options["clients"])) if session.scenario.kind == "memory" else empty

    def _speed(self, server: Server) -> float:
        server.wait_idle()
        return core_speed(self._cores.server, self.logs / "speed.log")

    def _measure(self, scenario: Scenario, server: Server, empty: Run) -> Run:
        options = empty.options
        before = server.memory_bytes()
        held: list[int] = []

        def read_memory() -> None:
            time.sleep(SETTLE_SECONDS)
            held.append(server.memory_bytes() - before)

        told = {
            **options,
            "port": server.port,
            "server_pid": server.pid,
            "server_core": self._cores.server,
            "generator_core": self._cores.generator,
        }
        if scenario.prepare is not None:
            told.update(scenario.prepare(self.logs, options))
        memory = scenario.kind == "memory"
        if memory:
            told.update(warmup=0.0, seconds=0.01)
        log = self.logs / f"generator.{time.monotonic_ns()}.log"
        measured, complaint = measure(told, self._cores.generator, log, held=read_memory if memory else None)
        run = run_of(measured, complaint, empty)
        return _with_memory(run, held[0]) if held else run

    # -- capacity ------------------------------------------------------------------------------------------------------

    def _capacity_of(self, scenario: Scenario) -> float:
        """Return the deliveries per second of the reference in a closed loop: a median of three, measured once."""
        if not scenario.calibration:
            return 0.0
        key = repr(sorted(scenario.calibration.items()))
        if key not in self._capacity:
            reference = self._reference()
            self._capacity[key] = statistics.median(
                self._calibrate(reference, scenario.calibration) for _ in range(CALIBRATION_RUNS)
            )
        return self._capacity[key]

    def _reference(self) -> Peer:
        for name in self.settings.references:
            try:
                PEERS[name].command(self.logs)
            except PeerMissing:
                continue
            return PEERS[name]
        raise ProcessFailed("no peer is available whose capacity could be measured")

    def _calibrate(self, peer: Peer, options: Options) -> float:
        with serving(peer, self._cores.server, self.logs) as server:
            told: Options = {**self.settings.options(), **options, "port": server.port, "server_pid": server.pid}
            log = self.logs / f"calibration.{time.monotonic_ns()}.log"
            measured, complaint = measure(told, self._cores.generator, log)
        if measured.failures or not measured.measured_ns:
            raise ProcessFailed(f"the capacity of {peer.name} could not be measured: {complaint}")
        return measured.deliveries / (measured.measured_ns / 1e9)


def _empty(session: Session, point: Point, options: Options) -> Run:
    return Run(
        scenario=session.scenario.name,
        point=point.label,
        x=point.x,
        peer=session.peer.name,
        repetition=session.repetition,
        options=dict(options),
    )


def _is_larger(point: Point, left: Sequence[Point]) -> bool:
    """Tell whether a point has more clients than the one that comes after it."""
    return bool(left) and int(point.options.get("clients", 1)) > int(left[0].options.get("clients", 1))


def _failed(run: Run, failure: str) -> Run:
    return msgspec.structs.replace(run, failure=failure)


def _with_x(run: Run, x: float) -> Run:
    return msgspec.structs.replace(run, x=x)


def _with_memory(run: Run, memory_bytes: int) -> Run:
    return msgspec.structs.replace(run, memory_bytes=memory_bytes)
