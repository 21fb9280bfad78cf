"""Runs the generator once against a server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from bench.build import program
from bench.histogram import Histogram
from bench.process import Lines, ProcessFailed, running

Options: TypeAlias = Mapping[str, int | float | str]
"""The options of a run, by the names in generator/options.h."""

DEFAULT_LIMIT_SECONDS: Final = 120.0
GRACE_SECONDS: Final = 10.0

Progress: TypeAlias = Callable[[str], None]


class CollectorPauses(msgspec.Struct, frozen=True):
    """Garbage collections of the server from warm-up to end; milliseconds."""

    count: float
    total: float
    longest: float


class CoreUse(msgspec.Struct, frozen=True):
    """What the kernel reports about a core during the window, in steps of 10 ms.

    Attributes:
        busy_ns: all that ran on it, interrupts among them.
        steal_ns: the hypervisor gave it to somebody else.
    """

    busy_ns: int
    steal_ns: int


class RawHistogram(msgspec.Struct, frozen=True):
    """As the generator prints it: index, count, index, count, …"""

    maximum: int
    counts: list[int]


class Measured(msgspec.Struct, frozen=True):
    """The generator's last line. Counts are of the measured window, `failures` of the whole run."""

    failures: int
    measured_ns: int
    deliveries: int
    messages: int
    requests: int
    connects: int
    joins: int
    slow_kicked: int
    strays: int
    server_cpu_ns: int
    generator_cpu_ns: int
    generator_working_ns: int
    server_core: CoreUse | None
    generator_core: CoreUse | None
    gc: msgspec.Raw
    histograms: dict[str, RawHistogram]

    @property
    def collector(self) -> CollectorPauses | None:
        """Return what the server reported about its garbage collections; None if it reported anything else."""
        try:
            (pauses,) = PAUSES.decode(self.gc)
        except msgspec.ValidationError:
            return None
        return pauses

    def histogram(self, series: str) -> Histogram | None:
        """Return the histogram of a series (generator/run.h), None if nothing was recorded."""
        raw = self.histograms.get(series)
        return None if raw is None else Histogram.of_pairs(raw.counts, raw.maximum)


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any line before the last."""

    phase: str


PAUSES: Final = msgspec.json.Decoder(tuple[CollectorPauses | None])
PHASE: Final = msgspec.json.Decoder(Phase)
MEASURED: Final = msgspec.json.Decoder(Measured)


def measure(
    options: Options,
    cpu: int,
    log: Path,
    *,
    progress: Progress = lambda _phase: None,
    held: Callable[[], None] | None = None,
) -> tuple[Measured, str]:
    """Run the generator to its end.

    Args:
        options: of the run; `port` among them.
        cpu: the core it runs on, -1 for any.
        log: the file for its error output.
        progress: called with each phase.
        held: called while all clients are connected and nothing else happens; implies `hold`.

    Returns:
        What was measured, and the error output (empty if all went well).

    Raises:
        ProcessFailed: it ended without a result.
    """
    told = dict(options) | ({"hold": 1} if held else {})
    limit = float(told.get("limit", DEFAULT_LIMIT_SECONDS))
    arguments = [f"{name}={value}" for name, value in told.items()]
    with running([str(program("generator")), *arguments], cpu, log) as process:
        lines = Lines(process, log)
        while True:
            line = lines.next(limit + GRACE_SECONDS)
            if not line.startswith(b'{"phase"'):
                return _result(line), log.read_text(errors="replace").strip()
            phase = PHASE.decode(line).phase
            progress(phase)
            if phase == "holding" and held:
                held()
                assert process.stdin is not None
                process.stdin.write(b"\n")
                process.stdin.flush()


def _result(line: bytes) -> Measured:
    try:
        return MEASURED.decode(line)
    except msgspec.MsgspecError as error:
        raise ProcessFailed(f"the generator wrote {line[:200]!r}: {error}") from error
