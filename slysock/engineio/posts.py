"""What a client by polling has sent and its session is to take: in order, and no faster than it is handled.

A stock client waits for the answer to a POST before it sends anything more, changes its transport or says goodbye. So
a POST is answered as soon as its packets are here; the next one is held until they have been taken.
"""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Final, final

import trio

from slysock.config import Config
from slysock.engineio.lane import MOST_AT_ONCE, MOST_OF_A_TURN
from slysock.engineio.session import Session
from slysock.engineio.transport import Ending
from slysock.http import Request
from slysock_protocol.engineio import Close, Packet, decode_payload

logger = logging.getLogger("slysock")

MAX_POSTS: Final = 8
"""POSTs of one session at once. The protocol allows one; some clients do not wait for its answer."""

UPGRADE_FACTOR: Final = 4
"""How much more than else may wait while an upgrade is under way, before a POST is held."""

TURNS_OF_A_NEW_POLL: Final = 8  # from its connection's being taken to its waiting


@final
class _Turn:
    """A POST's place among those of its session."""

    __slots__ = ("came_ns", "moved")

    def __init__(self, came_ns: int) -> None:
        self.came_ns = came_ns
        self.moved = trio.Event()  # set when it may be the first


@final
class Posts:
    """The POSTs of one session, and of those that were answered what the session has not taken yet.

    Bounds: `MAX_POSTS` are here at once. What has been answered is the rest of one body, and while an upgrade is under
    way of as many as keep events and bytes below `UPGRADE_FACTOR` times a backlog; bodies are kept as they came, and
    become packets one by one.

    Args:
        turn: that of all who have sent more than is handled at once; see Lane.

    Attributes:
        broken: one was broken off; what comes behind it would have a gap before it.
    """

    __slots__ = (
        "_begun",
        "_connection",
        "_feeding",
        "_news",
        "_packets",
        "_reading",
        "_rests",
        "_rests_bytes",
        "_several",
        "_turn",
        "_turns",
        "broken",
    )

    def __init__(self, turn: trio.Lock) -> None:
        self._turn = turn
        self._turns: list[_Turn] = []  # first come, first served
        self._begun = False  # the first of them is being read
        self._reading: trio.CancelScope | None = None  # around the reading of its body
        self._connection: int | None = None  # that brought the last one
        self._several = False  # more than one brings them, which may do so at the same time
        self._rests: deque[tuple[Iterator[Packet], int]] = deque()  # (packets of a body, its size), oldest first
        self._rests_bytes = 0
        self._packets = 0  # in them
        self._feeding = False  # a task hands them over, or waits for the session to take more
        self.broken = False
        self._news: trio.Event | None = None  # set when something may be different for those who wait

    @property
    def full(self) -> bool:
        """Whether there are too many at once."""
        return len(self._turns) >= MAX_POSTS

    @property
    def begun(self) -> bool:
        """Whether one is being read, or has its turn and is held."""
        return self._begun

    @property
    def idle(self) -> bool:
        """Whether the session has taken all that has come."""
        return not (self._turns or self._feeding)

    # -- their order -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def turn(self, came_ns: int, connection: int) -> AsyncGenerator[None]:
        """Wait until those that came before have been dealt with. Not while `full`."""
        turn = _Turn(came_ns)
        self._turns.insert(self._place(came_ns), turn)
        self._several = self._several or self._connection not in (None, connection)
        self._connection = connection
        try:
            if self._several:  # another one, that came at the same time, may have its turn of the loop after this one
                await trio.lowlevel.checkpoint()
            while self._turns[0] is not turn:
                await turn.moved.wait()
                turn.moved = trio.Event()
            self._begun = True
            yield
        finally:
            if self._turns[0] is turn:
                self._begun = False
            self._turns.remove(turn)
            if self._turns:
                self._turns[0].moved.set()
            self.look_again()

    def _place(self, came_ns: int) -> int:
        """Find the place behind those that came before, and behind the one that has begun."""
        place, first = len(self._turns), 1 if self._begun else 0
        while place > first and self._turns[place - 1].came_ns > came_ns:
            place -= 1
        return place

    async def read(self, request: Request, max_bytes: int) -> bytes | None:
        """Read the body of the one whose turn it is; None: `break_off` was called meanwhile.

        Raises:
            BodyTooLarge, RequestBroken: as `Request.read_body` does.
        """
        try:
            with trio.CancelScope() as self._reading:
                return await request.read_body(max_bytes)
        finally:
            self._reading = None
        return None

    def break_off(self) -> None:
        """Read no more of a body, which may be large and slow: the session is over, and nobody wants it."""
        if self._reading is not None:
            self._reading.cancel()

    # -- what the session does not take yet ----------------------------------------------------------------------------

    async def wait_room(self, session: Session, config: Config, nursery: trio.Nursery) -> None:
        """Hold a POST until it may be taken, or the session has ended."""
        if session.backlogged:
            self._start_feeding(session, nursery)
        while self._feeding and not session.closed and not self._has_room(session, config):
            await self._wait_news()

    def _has_room(self, session: Session, config: Config) -> bool:
        """Tell whether a client that changes its transport may be answered: it waits for that."""
        if session.state != "upgrading":
            return False
        above = session.statistics()
        events, size = above.waiting_events + self._packets, above.waiting_bytes + self._rests_bytes
        return events < UPGRADE_FACTOR * config.max_pending_events and size < UPGRADE_FACTOR * config.max_payload_bytes

    async def take(self, body: bytes, session: Session, nursery: trio.Nursery) -> None:
        """Hand the packets of a POST to the session, and keep what it does not take now.

        Raises:
            RemoteProtocolError: the body is malformed. What came before the mistake has been handed over, unless it
                would have had to wait.
        """
        packets, handed = decode_payload(body), 0
        if not self._feeding:
            handed = await self._hand_over(packets, session)
        if session.closed or not (self._feeding or session.backlogged):
            return
        left = await self._count(body) - handed
        if left:
            self._rests.append((packets, len(body)))
            self._rests_bytes += len(body)
            self._packets += left
        self._start_feeding(session, nursery)

    def _start_feeding(self, session: Session, nursery: trio.Nursery) -> None:
        if not self._feeding:
            self._feeding = True
            nursery.start_soon(self._feed, session)

    async def _feed(self, session: Session) -> None:
        """Hand over what is kept, whenever the session takes more."""
        try:
            await session.wait_ready()
            while self._rests and not session.closed:
                packets, size = self._rests[0]
                self._packets -= await self._hand_over(packets, session)
                if session.backlogged and not session.closed:
                    await session.wait_ready()
                else:
                    self._rests.popleft()
                    self._rests_bytes -= size
        except Exception:  # the boundary of one session
            logger.exception("what session %s has posted failed", session.id)
            session.close("transport error", Ending.ERROR)
        finally:
            self._rests.clear()
            self._rests_bytes = self._packets = 0
            self._feeding = False
            self.look_again()

    async def _hand_over(self, packets: Iterator[Packet], session: Session) -> int:
        """Hand packets to a session until it has enough or has ended; return how many it were."""
        handed = 0
        for packet in packets:
            if isinstance(packet, Close):
                # A poll that came at the same time, on another connection, ends with a noop and not with an error.
                await let_others_read(TURNS_OF_A_NEW_POLL)
            session.receive_packet(packet)
            handed += 1
            if session.backlogged or session.closed:
                break
            await self._maybe_wait_turn(handed)
        return handed

    async def _count(self, body: bytes) -> int:
        """Count the packets of a body that is to be kept.

        Raises:
            RemoteProtocolError: one of them is malformed, which its client is to be told now.
        """
        count = 0
        for _ in decode_payload(body):
            count += 1
            await self._maybe_wait_turn(count)
        return count

    async def _maybe_wait_turn(self, done: int) -> None:
        """Wait for the next turn when this one is over, as one POST may hold hundreds of thousands of packets."""
        if done >= MOST_AT_ONCE and (done - MOST_AT_ONCE) % MOST_OF_A_TURN == 0:
            async with self._turn:
                pass

    def look_again(self) -> None:
        """Wake those who wait: something is different, or an upgrade has begun."""
        if self._news is not None:
            self._news.set()
            self._news = None

    async def _wait_news(self) -> None:
        if self._news is None:  # one for all who wait
            self._news = trio.Event()
        await self._news.wait()

    async def wait_idle(self) -> None:
        """Wait until the session has taken all that has come."""
        while not self.idle:
            await self._wait_news()


async def let_others_read(turns: int = 2) -> None:
    """Yield to whoever has something to read already: one until it is scheduled, one until it has run."""
    for _ in range(turns):
        await trio.lowlevel.checkpoint()
