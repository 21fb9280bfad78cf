"""How fast a core is at the moment: measured before and after each run, so that a change of the machine is noticed."""

from pathlib import Path
from typing import Final

import msgspec

from bench.build import program
from bench.process import Lines, running

LIMIT_SECONDS: Final = 20.0  # it takes some hundredths of one


class Speed(msgspec.Struct, frozen=True):
    """The line that generator/speed.c writes; rounds per millisecond of CPU time."""

    speed: float


def core_speed(cpu: int, log: Path) -> float:
    """Measure a core's speed, in rounds per millisecond of CPU time: a figure to compare with itself only.

    Raises:
        ProcessFailed: no result came.
    """
    with running([str(program("speed"))], cpu, log) as process:
        return msgspec.json.decode(Lines(process, log).next(LIMIT_SECONDS), type=Speed).speed
