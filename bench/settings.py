"""How thorough a run is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.generator import Options
from bench.scenarios import Scenario

SETTLE_SECONDS: Final = 1.0  # a server's own clean-up after a thousand connects, before its memory is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How thorough to be.

    Attributes:
        context_repetitions: for peers that only show where the limits are.
        memory_repetitions: memory hardly varies and takes long to fill; 0 means as often as anything else.
        drain_seconds: how long to wait for what is still on its way; what has not arrived by then counts as lost.
        references: open-loop rates are fractions of the capacity of the first of these that is available.
    """

    mode: str
    repetitions: int
    context_repetitions: int
    warmup_seconds: float
    seconds: float
    drain_seconds: float
    memory_repetitions: int = 0
    references: Sequence[str] = ("node", "slysock")

    def options(self) -> Options:
        """Return the options of every run."""
        return {"warmup": self.warmup_seconds, "seconds": self.seconds, "drain": self.drain_seconds}

    def repetitions_of(self, scenario: Scenario) -> int:
        """Return how often to run a scenario."""
        return (scenario.kind == "memory" and self.memory_repetitions) or self.repetitions


QUICK: Final = Settings(
    mode="quick",
    repetitions=3,
    context_repetitions=1,
    memory_repetitions=1,
    warmup_seconds=0.5,
    seconds=1.0,
    drain_seconds=20.0,
)
FULL: Final = Settings(
    mode="full",
    repetitions=5,
    context_repetitions=3,
    memory_repetitions=4,
    warmup_seconds=1.0,
    seconds=3.0,
    drain_seconds=60.0,
)
GROWTH: Final = Settings(
    mode="growth",
    repetitions=2,
    context_repetitions=1,
    memory_repetitions=1,
    warmup_seconds=0.5,
    seconds=1.0,
    drain_seconds=60.0,
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
