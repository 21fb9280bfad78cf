"""What disturbed a run: a core that was slower or faster than usual, other processes on it, a busy hypervisor.

A disturbed run counts like any other, as leaving some out would be choosing; it is marked.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.generator import CoreUse
from bench.results import Run

SPEED_LIMIT: Final = 0.1
"""How far a core may be from its median speed; on a calm machine it stays within 2 %."""
OTHERS_LIMIT: Final = 0.05
STOLEN_LIMIT: Final = 0.03
LEAST_SECONDS: Final = 0.2
"""Of a window: the kernel's account has steps of 10 ms, which are too coarse for a shorter one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What one run suffered, as fractions.

    Attributes:
        speed: of the server's core before or after, whichever was further from the median of all runs, less 1.
        others: of the server's core or the generator's, whichever had more of it: time used by anybody else.
        stolen: of the same, time that the hypervisor gave away.
    """

    speed: float = 0.0
    others: float = 0.0
    stolen: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether any of it exceeds its limit."""
        return self.severity > 1

    @property
    def severity(self) -> float:
        """The worst of it, as a multiple of its limit."""
        return max(abs(self.speed) / SPEED_LIMIT, self.others / OTHERS_LIMIT, self.stolen / STOLEN_LIMIT)

    def __str__(self) -> str:
        """Describe the worst of it; empty if nothing exceeds its limit."""
        told = {
            f"speed {self.speed:+.0%}": abs(self.speed) / SPEED_LIMIT,
            f"others {self.others:.0%}": self.others / OTHERS_LIMIT,
            f"stolen {self.stolen:.0%}": self.stolen / STOLEN_LIMIT,
        }
        return max(told, key=lambda text: told[text]) if self.disturbed else ""


def usual_speed(runs: Iterable[Run]) -> float:
    """Return the median of all that was measured; 0 if nothing was."""
    speeds = [speed for run in runs for speed in run.speeds]
    return statistics.median(speeds) if speeds else 0.0


def noise_of(run: Run, usual: float) -> Noise:
    """Return what disturbed a run, given the usual speed of its machine."""
    speeds = [speed / usual - 1 for speed in run.speeds] if usual else []
    cores = ((run.server_core, run.server_cpu_seconds), (run.generator_core, run.generator_cpu_seconds))
    known = [(core, own) for core, own in cores if core is not None and run.seconds >= LEAST_SECONDS]
    return Noise(
        speed=max(speeds, key=abs, default=0.0),
        others=max((_others(core, own) / run.seconds for core, own in known), default=0.0),
        stolen=max((core.steal_ns / 1e9 / run.seconds for core, _ in known), default=0.0),
    )


def _others(core: CoreUse, own_seconds: float) -> float:
    return max(0.0, core.busy_ns / 1e9 - own_seconds)
