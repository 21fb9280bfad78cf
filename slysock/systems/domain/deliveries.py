"""Delivered means received: what is on its way to users' sockets, and marked once one of them has it.

Nothing is marked when it is stored or emitted. A socket that has received what was sent to it before it left says so
by itself (`Socket.when_received`); then the store is told, in a task of its own, so that nobody waits for it and a
sender's cancellation does not reach it. What was not received is handed out again at the next connect, again until it
is: also where the server dies between receipt and mark.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final, Protocol, TypeAlias, final

import trio

from slysock_store import Message, UserKey

from .errors import Busy, DomainError, Unavailable

logger = logging.getLogger("slysock.systems")

RETRY_SECONDS: Final = 1.0
"""The pause before the store is told again what it could not take."""

MARKS_AT_ONCE: Final = 100
"""Users whose marks are written together, and what is marked for one of them at once: one commit carries them."""

MAX_UNMARKED: Final = 100_000
"""Receipts that wait for the store. What comes beyond that is handed out again."""

MAX_REMEMBERED: Final = 10_000
"""Marks that are remembered, for announcements that come behind them: those wait for an answer to a request."""

Item: TypeAlias = tuple[UserKey, str]
"""Somebody, and the id of a message or a notification for them."""

Mark: TypeAlias = Callable[[UserKey, Sequence[str]], Awaitable[object]]


class Receiver(Protocol):
    """A socket."""

    @property
    def id(self) -> str:
        """Names it."""
        ...

    def when_received(self, call: Callable[[bool], object]) -> None:
        """See Socket.when_received."""


@final
class Deliveries:
    """Messages, or notifications, on their way to the users of one system. `run` must run in a task.

    Bounds: what is on its way is bounded by outboxes; see the constants for the rest.

    Args:
        mark: tells the store what a user has received. Raises DomainError.
    """

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._under_way: dict[Item, set[str]] = {}  # until it is marked -> sockets that were sent it
        self._received: dict[UserKey, dict[str, None]] = {}  # to be marked, by user; never empty
        self._unmarked = 0  # in all of them
        self._marked: dict[Item, set[str]] = {}  # lately, oldest first -> sockets that were sent it
        self._news = trio.Event()

    def __len__(self) -> int:
        """Count what is on its way or waits to be marked."""
        return len(self._under_way)

    def is_under_way(self, user: UserKey, item: str) -> bool:
        """Tell whether a socket that is there has been sent this and may have received it."""
        return (user, item) in self._under_way

    def holders(self, user: UserKey, item: str) -> Collection[str]:
        """Return the ids of the user's sockets that have been sent this: they must not get it again."""
        return self._under_way.get((user, item)) or self._marked.get((user, item)) or ()

    def lacks(self, user: UserKey, message: Message) -> bool:
        """Tell whether a message has neither reached a user nor is on its way to a socket of theirs."""
        is_waiting = not message.is_deleted and not message.is_delivered_to(user)
        return is_waiting and not self.is_under_way(user, message.id)

    def sent(self, user: UserKey, sockets: Iterable[Receiver], items: Sequence[str]) -> None:
        """Note what has just been sent to some sockets of a user; it is marked when one of them has received it."""
        for socket in sockets if items else ():
            for item in items:
                self._under_way.setdefault((user, item), set()).add(socket.id)
            socket.when_received(partial(self._learn, user, socket.id, items))

    def _learn(self, user: UserKey, socket: str, items: Sequence[str], received: bool) -> None:
        for item in items:
            if not received or self._unmarked >= MAX_UNMARKED:
                self._give_up(user, socket, item)
            elif (user, item) in self._under_way:  # and not marked already, by another socket's receipt
                self._note_received(user, item)

    def _note_received(self, user: UserKey, item: str) -> None:
        waiting = self._received.setdefault(user, {})
        if item not in waiting:
            waiting[item] = None
            self._unmarked += 1
        self._news.set()

    def _give_up(self, user: UserKey, socket: str, item: str) -> None:
        """Forget that a socket was sent something: it has left, and may not have it."""
        sockets = self._under_way.get((user, item))
        if sockets is not None:
            sockets.discard(socket)
            if not sockets and item not in self._received.get(user, ()):
                del self._under_way[user, item]

    async def run(self) -> None:
        """Tell the store what was received, until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            while self._received:
                await self._mark_some()

    async def _mark_some(self) -> None:
        """Write the marks of some users. What comes meanwhile goes with the next ones."""
        batch = {user: self._take(user) for user in list(islice(self._received, MARKS_AT_ONCE))}
        failed: list[DomainError] = []
        async with trio.open_nursery() as nursery:
            for user, items in batch.items():
                nursery.start_soon(self._mark_one, user, items, failed)
        if failed:
            logger.debug("the store could not be told what was received, and will be again: %s", failed[0])
            await trio.sleep(RETRY_SECONDS)

    def _take(self, user: UserKey) -> list[str]:
        waiting = self._received[user]
        items = list(islice(waiting, MARKS_AT_ONCE))
        for item in items:
            del waiting[item]
        if not waiting:
            del self._received[user]
        self._unmarked -= len(items)
        return items

    async def _mark_one(self, user: UserKey, items: list[str], failed: list[DomainError]) -> None:
        try:
            await self._mark(user, items)
        except (Busy, Unavailable) as error:
            failed.append(error)
            for item in items:
                self._note_received(user, item)
        except Exception:  # the boundary of one user's marks
            logger.exception("what was received cannot be marked, and is handed out again")
            for item in items:
                self._under_way.pop((user, item), None)
        else:
            for item in items:
                self._remember(user, item)

    def _remember(self, user: UserKey, item: str) -> None:
        self._marked[user, item] = self._under_way.pop((user, item), set())
        if len(self._marked) > MAX_REMEMBERED:
            del self._marked[next(iter(self._marked))]
