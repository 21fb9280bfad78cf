"""What keeps a log readable and its disk free: lines that are one line each, of bounded length, so many a second."""

import json
import logging
import time
from collections.abc import Callable
from typing import Final, final

MAX_TEXT: Final = 4096
"""Characters of a message or a field, before what cannot be printed is spelt out."""

MAX_TRACEBACK: Final = 16_384
"""Characters of a traceback; the ends of a long one say most."""

BURST: Final = 1000
LINES_PER_SECOND: Final = 100.0
"""Of one kind: of what one place in the code says at one level. Clients of a busy server come and go faster than this
only when all of them do."""


def shortened(text: str, limit: int) -> str:
    """Cut the middle out of a text that is too long."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[: limit // 2]}[… {left_out} more …]{text[-limit // 2 :]}"


def spelt_out(text: str) -> str:
    r"""Write what cannot be seen, or moves what can, as escapes: `\x1b`, `\u2028`, `\u202e`.

    These are control characters (C0, C1), separators of lines and marks of direction, by which a client could make up
    lines, or change what a terminal shows of them.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def spelt_out_in_json(text: str) -> str:
    """Do the same to JSON, whose escapes these are."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def indented(traceback: str) -> str:
    """Make a traceback the continuation of a line: nothing in it begins where a line of the log would."""
    lines = shortened(traceback, MAX_TRACEBACK).split("\n")
    return "\n".join(f"  {spelt_out(line)}" for line in lines)


@final
class RateFilter(logging.Filter):
    """Lets so many records of a kind pass, and says on the next one how many it has left out.

    Its memory is bounded by the program: a kind is a place in the code.

    Args:
        clock: gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, int], _Kind] = {}  # (file, line, level) -> what came of it

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging.Filter."""
        now = self._clock()
        kind = self._kinds.setdefault((record.pathname, record.lineno, record.levelno), _Kind(now))
        if not kind.takes(now):
            return False
        if kind.left_out:
            fields: object = getattr(record, "fields", None)
            record.fields = {**(fields if isinstance(fields, dict) else {}), "left_out": kind.left_out}
            kind.left_out = 0
        return True


@final
class _Kind:
    def __init__(self, now: float) -> None:
        self.left_out = 0
        self._tokens = float(BURST)
        self._since = now

    def takes(self, now: float) -> bool:
        self._tokens = min(float(BURST), self._tokens + (now - self._since) * LINES_PER_SECOND)
        self._since = now
        if self._tokens < 1:
            self.left_out += 1
            return False
        self._tokens -= 1
        return True
