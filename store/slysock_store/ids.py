"""Ids in the form of MongoDB's ObjectId, so that they read the same whichever backend made them.

12 bytes as 24 lowercase hex digits: 4 of seconds since 1970, 5 random per generator, 3 of a counter
(https://www.mongodb.com/docs/manual/reference/bson-types/#objectid).
"""

import secrets
from itertools import count
from typing import final

COUNTER_SIZE = 1 << 24


@final
class IdGenerator:
    """Make ids that are unique and, to the second, in order of time. Not safe to share between threads."""

    def __init__(self) -> None:
        self._origin = secrets.token_hex(5)
        self._counter = count(secrets.randbelow(COUNTER_SIZE))

    def new_id(self, now_milliseconds: int) -> str:
        """Return the next id for something made at this time."""
        seconds = now_milliseconds // 1000 & 0xFFFFFFFF
        return f"{seconds:08x}{self._origin}{next(self._counter) % COUNTER_SIZE:06x}"
