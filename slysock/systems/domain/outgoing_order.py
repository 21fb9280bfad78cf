"""Announcements in line: each waits for its own release, and none overtakes an earlier one of the same chat.

A message sent by an HTTP request is announced when its answer is on its way. Two requests may be answered in another
order than that in which their messages were stored; announcements keep the order of the store all the same. A client
that does not read its answer holds the others up for some seconds at most.
"""

import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeAlias, final

import trio

logger = logging.getLogger("slysock.systems")

PATIENCE_SECONDS: Final = 2.0
"""How long an answer may keep others waiting, and up to as long again: an answer fits into any socket's buffer, so only
a client that has stopped reading takes so long."""

Call: TypeAlias = Callable[[], object]
"""A call that announces something. It must not wait."""


@final
class Place:
    """A place in a line."""

    __slots__ = ("call", "is_ready")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.is_ready = False


@final
class OutgoingOrder:
    """A line per chat, for as long as something waits in it. `run` must run in a task meanwhile."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Place]] = {}  # line -> places, the first is next; never empty
        self._joined = trio.Event()  # somebody has joined since `run` has looked

    def __len__(self) -> int:
        return len(self._lines)

    def after_answer(self) -> "Announcements":
        """Collect the announcements of one request: `with outgoing.after_answer() as announcements: …`."""
        return Announcements(self)

    def join(self, line: str, call: Call) -> Callable[[], None]:
        """Put a call in line: it is made once the returned function has been called and all before it are made."""
        place = Place(call)
        self._lines.setdefault(line, deque()).append(place)
        self._joined.set()

        def release() -> None:
            place.is_ready = True
            self._advance(line)

        return release

    async def run(self) -> None:
        """Release what has waited too long, until cancelled."""
        before: set[Place] = set()
        while True:
            if not self._lines:
                await self._joined.wait()
            await trio.sleep(PATIENCE_SECONDS)
            before = self._release(before)
            self._joined = trio.Event()

    def _release(self, overdue: set[Place]) -> set[Place]:
        """Release these if they are still in line; return what is in line then."""
        for line, places in list(self._lines.items()):
            for place in places:
                place.is_ready = place.is_ready or place in overdue
            self._advance(line)
        return {place for places in self._lines.values() for place in places}

    def _advance(self, line: str) -> None:
        places = self._lines.get(line)
        while places and places[0].is_ready:
            place = places.popleft()
            try:
                place.call()
            except Exception:  # those behind it have a right to their turn
                logger.exception("something could not be announced")
        if not places:
            self._lines.pop(line, None)


@final
class Announcements:
    """What one request has to announce, held back until `release`; an exception releases it as well.

    What has been stored is announced even if the request fails afterwards.
    """

    def __init__(self, outgoing: OutgoingOrder) -> None:
        self._outgoing = outgoing
        self._releases: list[Callable[[], None]] = []

    def __enter__(self) -> "Announcements":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.release()

    def add(self, line: str, call: Call) -> None:
        """Put a call in line, behind all that are in it."""
        self._releases.append(self._outgoing.join(line, call))

    def release(self) -> None:
        """Let the calls be made, each when its turn comes. Must be called, unless an exception does it."""
        releases, self._releases = self._releases, []
        for release in releases:
            release()
