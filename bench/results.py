"""What was measured, as it is kept in a file: machine, versions, commit, and the raw histograms of every run."""

from pathlib import Path
from typing import Final

import msgspec

from bench.generator.run import CollectorPauses, CoreUse, Measured
from bench.histogram import Histogram
from bench.machine import Machine

FORMAT: Final = 1


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the generator.

    Attributes:
        failure: why the run does not count; empty if every message arrived once and in order.
        counts: deliveries, messages, requests, connects, joins while measuring; slow_kicked and strays (messages of
            a room that had been left) of the whole run.
        histograms: series -> HdrHistogram V2, compressed, base64; ns.
        memory_bytes: with all clients connected and idle, less what the server held before; 0 if not measured.
        at_seconds: when it ended, from the start of everything.
        speeds: of the server's core before and after (speed.py); empty if not measured.
        server_core, generator_core: what the kernel reports about them; None if nothing is pinned to them.
    """

    scenario: str
    point: str
    x: float
    peer: str
    repetition: int
    options: dict[str, int | float | str]
    failure: str = ""
    seconds: float = 0.0
    counts: dict[str, int] = {}
    histograms: dict[str, str] = {}
    server_cpu_seconds: float = 0.0
    generator_cpu_seconds: float = 0.0
    collector: CollectorPauses | None = None
    memory_bytes: int = 0
    at_seconds: float = 0.0
    speeds: list[float] = []
    server_core: CoreUse | None = None
    generator_core: CoreUse | None = None

    def histogram(self, series: str) -> Histogram:
        """Return one series, empty if it was not recorded."""
        text = self.histograms.get(series)
        return Histogram({}) if text is None else Histogram.decode(text)


class Missing(msgspec.Struct, frozen=True):
    """A peer that took no part in one scenario or, with "", in any."""

    peer: str
    scenario: str
    reason: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one invocation.

    Attributes:
        generator: which one measured, by a digest of its sources and compiler; another may measure differently.
    """

    format: int = FORMAT
    machine: Machine
    started: str
    mode: str
    cores_apart: bool
    generator: str = ""
    versions: dict[str, dict[str, str]]
    missing: list[Missing]
    runs: list[Run]

    def save(self, path: Path) -> None:
        """Write a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read a file.

        Raises:
            ValueError: it is not one of ours, or has another format.
        """
        results = msgspec.json.decode(path.read_bytes(), type=cls)
        if results.format != FORMAT:
            raise ValueError(f"{path} has format {results.format}; this version reads {FORMAT}")
        return results


def run_of(measured: Measured, complaint: str, empty: Run) -> Run:
    """Fill a run, which only has its names, with what was measured."""
    found = {name: measured.histogram(name) for name in measured.histograms}
    return msgspec.structs.replace(
        empty,
        failure=f"{measured.failures} failures: {complaint}" if measured.failures else "",
        seconds=measured.measured_ns / 1e9,
        counts={
            "deliveries": measured.deliveries,
            "messages": measured.messages,
            "requests": measured.requests,
            "connects": measured.connects,
            "joins": measured.joins,
            "slow_kicked": measured.slow_kicked,
            "strays": measured.strays,
        },
        histograms={name: histogram.encode() for name, histogram in found.items() if histogram is not None},
        server_cpu_seconds=measured.server_cpu_ns / 1e9,
        generator_cpu_seconds=measured.generator_cpu_ns / 1e9,
        collector=measured.collector,
        server_core=measured.server_core,
        generator_core=measured.generator_core,
    )
