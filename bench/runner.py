"""Runs scenarios: the peers in turn within each repetition, so that what disturbs the machine disturbs them alike."""

import statistics
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias, final

import msgspec

from bench import machine
from bench.generator import Options, measure
from bench.peers.javascript import Missing as PeerMissing
from bench.peers.registry import PEERS, Peer
from bench.peers.server import Server, serving
from bench.process import ProcessFailed
from bench.results import Missing, Results, Run, run_of
from bench.scenarios import Point, Scenario
from bench.scenarios.model import CONTEXT

SETTLE_SECONDS: Final = 1.0  # a server's own clean-up after a thousand connects, before its memory is read
CALIBRATION_RUNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How thorough to be.

    Attributes:
        drain_seconds: how long to wait for what is still on its way; what has not come by then counts as lost.
        references: of the first of them that can be had, open-loop rates are parts of the capacity.
    """

    mode: str
    repetitions: int
    context_repetitions: int
    warmup_seconds: float
    seconds: float
    drain_seconds: float
    references: Sequence[str] = ("node", "slysock")

    def options(self) -> Options:
        """What every run is told."""
        return {"warmup": self.warmup_seconds, "seconds": self.seconds, "drain": self.drain_seconds}


QUICK: Final = Settings(
    mode="quick", repetitions=3, context_repetitions=1, warmup_seconds=0.5, seconds=1.0, drain_seconds=20.0
)
FULL: Final = Settings(
    mode="full", repetitions=5, context_repetitions=3, warmup_seconds=1.0, seconds=3.0, drain_seconds=60.0
)
SMOKE: Final = Settings(
    mode="smoke",
    repetitions=1,
    context_repetitions=1,
    warmup_seconds=0.05,
    seconds=0.15,
    drain_seconds=10.0,
    references=("slysock",),  # a smoke run must not need what npm would have to bring
)

Work: TypeAlias = tuple[Scenario, Sequence[Point]]


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
        logs: a folder for what servers and generator complain about.
        watch: told of each step.
        interrupted: whether Ctrl+C ended it early.
    """

    settings: Settings
    peers: Sequence[str]
    logs: Path
    watch: Callable[[Step], None] = lambda _step: None
    interrupted: bool = False
    # (peer, scenario or "") -> why it takes no part
    _missing: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _runs: list[Run] = field(default_factory=list[Run])
    # a scenario's calibration -> deliveries per second
    _capacity: dict[str, float] = field(default_factory=dict[str, float])
    _cores: machine.Cores = field(default_factory=machine.choose_cores)

    def run(self, work: Sequence[Work]) -> Results:
        """Do everything, and return what came of it. On Ctrl+C: what came of it until then."""
        described = machine.describe()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        connections = machine.raise_descriptor_limit()
        self._look_for_peers()
        try:
            self._do(work, connections)
        except KeyboardInterrupt:
            self.interrupted = True
        return Results(
            machine=described,
            started=started,
            mode=self.settings.mode,
            cores_apart=self._cores.apart,
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
        total = sum(len(points) for _, points, _, _ in sessions)
        number = 0
        for scenario, points, peer, repetition in sessions:
            with closing(self._session(scenario, points, peer, repetition, connections)) as outcomes:
                for point, outcome in outcomes:
                    number += 1
                    self._runs.append(outcome)
                    self.watch(Step(number, total, f"{scenario.name}: {point.label}, {peer.name}"))

    def _sessions(self, work: Sequence[Work]) -> Iterator[tuple[Scenario, Sequence[Point], Peer, int]]:
        """One server process each: every point of a scenario that this peer can serve, in order."""
        for scenario, points in work:
            for repetition in range(self.settings.repetitions):
                for peer in self._peers_of(scenario, repetition):
                    possible = [point for point in points if point.needs <= peer.features]
                    if possible:
                        yield scenario, possible, peer, repetition

    def _peers_of(self, scenario: Scenario, repetition: int) -> Iterator[Peer]:
        """The peers of one repetition; every repetition begins with another one."""
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

    def _session(
        self, scenario: Scenario, points: Sequence[Point], peer: Peer, repetition: int, connections: int
    ) -> Generator[tuple[Point, Run], None, None]:
        """Serve points by one process; by a new one where the last run failed, or memory is measured."""
        left = list(points)
        while left:
            with_memory = scenario.kind == "memory"
            try:
                capacity = self._capacity_of(scenario)
                with serving(peer, self._cores.server, self.logs, self._cores.generator) as server:
                    while left:
                        point = left.pop(0)
                        run = self._one(scenario, point, server, repetition, capacity, connections)
                        yield point, run
                        if with_memory or run.failure:
                            break
            except ProcessFailed as error:
                point = left.pop(0)
                yield point, _empty(scenario, point, peer, repetition, {}, failure=str(error))

    def _one(
        self, scenario: Scenario, point: Point, server: Server, repetition: int, capacity: float, connections: int
    ) -> Run:
        options = {**self.settings.options(), **point.options}
        options["clients"] = min(int(options.get("clients", 1)), connections)
        if point.of_capacity is not None:
            options["publish_rate"] = point.of_capacity * capacity / int(options["clients"])
        if "gc" not in server.peer.features:
            options.pop("gc", None)
        empty = _empty(scenario, point, server.peer, repetition, options)
        if scenario.kind == "memory":
            empty = _with_x(empty, int(options["clients"]))
        try:
            run = self._measure(scenario, server, options, empty)
            if scenario.kind == "load" and not run.failure and not run.counts[scenario.counted]:
                return _failed(run, f"no {scenario.counted} in the measured window: too slow for it, or stuck")
            return _failed(run, f"{run.failure}\n{server.last_words()}".strip()) if run.failure else run
        except ProcessFailed as error:
            return _failed(empty, str(error))

    def _measure(self, scenario: Scenario, server: Server, options: Options, empty: Run) -> Run:
        before = server.memory_bytes()
        held: list[int] = []

        def read_memory() -> None:
            time.sleep(SETTLE_SECONDS)
            held.append(server.memory_bytes() - before)

        told = {**options, "port": server.port, "server_pid": server.pid}
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
        """How many deliveries per second the reference does in a closed loop; measured once, medians of three."""
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
        raise ProcessFailed("nobody to take the capacity of can be had")

    def _calibrate(self, peer: Peer, options: Options) -> float:
        with serving(peer, self._cores.server, self.logs) as server:
            told: Options = {**self.settings.options(), **options, "port": server.port, "server_pid": server.pid}
            log = self.logs / f"calibration.{time.monotonic_ns()}.log"
            measured, complaint = measure(told, self._cores.generator, log)
        if measured.failures or not measured.measured_ns:
            raise ProcessFailed(f"the capacity of {peer.name} could not be measured: {complaint}")
        return measured.deliveries / (measured.measured_ns / 1e9)


def _empty(scenario: Scenario, point: Point, peer: Peer, repetition: int, options: Options, failure: str = "") -> Run:
    return Run(
        scenario=scenario.name,
        point=point.label,
        x=point.x,
        peer=peer.name,
        repetition=repetition,
        options=dict(options),
        failure=failure,
    )


def _failed(run: Run, failure: str) -> Run:
    return msgspec.structs.replace(run, failure=failure)


def _with_x(run: Run, x: float) -> Run:
    return msgspec.structs.replace(run, x=x)


def _with_memory(run: Run, memory_bytes: int) -> Run:
    return msgspec.structs.replace(run, memory_bytes=memory_bytes)
