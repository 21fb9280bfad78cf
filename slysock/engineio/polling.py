"""Long-polling: what waits for the client's next GET, and the GET that waits for something to say.

Source: Engine.IO protocol v4, "HTTP long-polling"; the answers to a poll that is cut short follow Node's engine.io
(lib/transports/polling.ts).
"""

from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, final

import trio

from slysock.config import TransportName
from slysock.engineio.posts import Posts
from slysock.engineio.slow_consumers import POLLED_PACKET_BYTES, SlowConsumers, overhead
from slysock.engineio.states import POLLING, PollingState, PollingStep
from slysock.engineio.transport import Ending
from slysock.states import follow
from slysock_protocol.engineio import CLOSE, NOOP, SEPARATOR, Outgoing
from slysock_protocol.errors import CloseCode

LINGER_SECONDS: Final = 30.0
"""How long the last words of a session wait for a poll to carry them; Node's closeTimeout."""

MAX_PACKETS: Final = 16
"""What one answer holds at most: python-engineio leaves at more (payload.py, max_decode_packets). More than any
`Outgoing` has."""


class Answer(Protocol):
    """Where the answer to a poll is written."""

    @property
    def written_bytes(self) -> int:
        """How much has been written on this connection so far."""
        ...

    @property
    def taken_bytes(self) -> int:
        """How much of that the client has, as far as is known."""
        ...


@final
class _Delivery:
    """A payload that is being written as the answer to a poll."""

    def __init__(self, answer: Answer, size: int) -> None:
        self.scope = trio.CancelScope()
        self.size = size
        self._answer = answer
        self._written_before = answer.written_bytes

    @property
    def written_bytes(self) -> int:
        """How much of it has been written; a compressed one seems to stop short."""
        return min(self.size, self._answer.written_bytes - self._written_before)

    @property
    def unwritten_bytes(self) -> int:
        """How much of it has not."""
        return self.size - self.written_bytes

    @property
    def taken_bytes(self) -> int:
        """How much of it the client has: what the kernel keeps may take minutes more."""
        return max(0, min(self.size, self._answer.taken_bytes - self._written_before))


@final
class PollingTransport:
    """The packets of one session that wait for a poll, or are on their way with one.

    Bounds: those of `SlowConsumers`, as for an outbox; past them `on_full` is called once and nothing more is kept. It
    must not act on the session at once, because the caller may be in the middle of a broadcast.

    Attributes:
        posts: the other direction.
        polled_ns: when the GET came that waits.
        overtaken: the GET that waits was not the first, after all: it is refused, and the session over.
    """

    __slots__ = (
        "_consumers",
        "_delivered_bytes",
        "_delivery",
        "_full",
        "_goodbye",
        "_news",
        "_on_full",
        "_progress",
        "_seen_bytes",
        "_state",
        "_tail",
        "_waiting",
        "_waiting_bytes",
        "_waiting_packets",
        "overtaken",
        "polled_ns",
        "posts",
    )

    def __init__(self, *, consumers: SlowConsumers, on_full: Callable[[], None], turn: trio.Lock) -> None:
        self._consumers = consumers
        self._on_full = on_full
        self._state: PollingState = "idle"
        self._waiting: deque[Outgoing] = deque()
        self._waiting_bytes = 0
        self._waiting_packets = 0
        self._full = False  # nothing more is taken: it is about to be closed
        self._news: trio.CancelScope | None = None  # around the wait of a GET; cancelled to end it
        self._goodbye: Outgoing | None = None  # goes by itself: clients forget what comes with a close packet
        self.posts = Posts(turn)
        self.polled_ns = 0
        self.overtaken = False
        self._delivery: _Delivery | None = None  # what is being written
        self._tail: _Delivery | None = None  # what has been written last, until the client asks for more
        self._delivered_bytes = 0  # what was written and taken before these, in all
        self._seen_bytes = 0  # taken by the client, when a sign of life was last asked for
        self._progress: trio.Event | None = None  # set when something has been taken

    def _step(self, step: PollingStep) -> None:
        self._state = follow(POLLING, self._state, step)

    @property
    def polled(self) -> bool:
        """Whether a GET is waiting, or on its way to its answer."""
        return self._news is not None

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken; last words may be left."""
        return self._state in ("leaving", "lingering", "closed")

    @property
    def lingering(self) -> bool:
        """Whether there are last words that no GET has come for yet."""
        # A GET that carries messages leaves the close packet to the next.
        return self._state == "lingering" or (self._state == "leaving" and bool(self._waiting))

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        return "polling"

    @property
    def waiting_bytes(self) -> int:
        """What waits for a poll, or is being written as its answer."""
        if self._full:
            return 0
        return self._waiting_bytes + (
            0 if self._delivery is None else self._delivery.size - self._delivery.written_bytes
        )

    @property
    def _cost(self) -> int:
        """What waits, by what it takes: the bytes, and something for each message."""
        return self.waiting_bytes + overhead(len(self._waiting), POLLED_PACKET_BYTES)

    @property
    def delivers(self) -> bool:
        """Whether an answer is being written."""
        return self._delivery is not None

    @property
    def taken_bytes(self) -> int:
        """How much the client has taken; only differences count."""
        latest = self._delivery or self._tail
        return self._delivered_bytes + (0 if latest is None else latest.taken_bytes)

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether a GET is waiting to carry this, with what it carries already."""
        if not self._waiting:
            return self.polled
        fits = self._waiting_bytes + len(outgoing.payload) <= self._consumers.soft_bytes
        return self.polled and fits and self._waiting_packets + outgoing.packets <= MAX_PACKETS

    def send(self, outgoing: Outgoing) -> None:
        """Keep a packet for the poll, and end the poll when it is already there."""
        if self._full or self.closed:
            return
        size, cost = len(outgoing.payload), self._cost
        if cost and cost + size > self._consumers.hard_bytes:
            self.cut()
            return
        self._waiting.append(outgoing)
        self._waiting_packets += outgoing.packets
        self._waiting_bytes += size
        self._consumers.note(self, self._cost)
        self._wake()

    def cut(self) -> None:
        """Forget what waits and take no more: a slow consumer's. `on_full` is told; last words are written no more."""
        if not self._full:
            self._full = True
            last_words = self.closed
            self.hand_over()
            if last_words:
                self.break_off()
            else:
                self._on_full()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.cancel()

    async def poll(self, wait_next: Callable[[], Awaitable[bool]], came_ns: int = 0) -> bytes | None:
        """Wait for something to say and return it as the body of the answer; None: the client gave the request up.

        Not while another GET is `polled`. `wait_next` returns True when the client has sent a request behind this one,
        which is to have its turn, False when it has left, and may be cancelled without harm. Cancelled, this leaves
        everything where it was.
        """
        self._forget_tail()
        if self._waiting or self._state != "idle":
            return self.take()
        self._step("poll")
        self.polled_ns = came_ns
        goes_on = False
        # The wait that notices the client's leaving is the only one, and news cancel it: a task of its own for either
        # would cost 15 µs, a tenth of a poll.
        self._news = news = trio.CancelScope()
        try:
            with news:
                # Under load the POST that is answered by this poll came with it and has its turn now.
                await trio.lowlevel.cancel_shielded_checkpoint()
                if not news.cancel_called:
                    goes_on = await wait_next()
        finally:
            self._news = None
            self._step("answer in part" if self.lingering else "answer")
        return self.take() if goes_on or news.cancel_called else None

    def take(self) -> bytes:
        """Take the body of one answer: messages, or the goodbye behind the last of them, or a noop."""
        packets = list(self._next_messages())
        if not packets:
            packets.append(self._goodbye or NOOP)
            self._goodbye = None
            if self._state == "lingering":
                self._step("answer")
        return SEPARATOR.join(packet.payload for packet in packets)

    def _next_messages(self) -> Iterator[Outgoing]:
        """Take what one answer can carry; what belongs together stays so."""
        room = MAX_PACKETS
        while self._waiting and (self._waiting[0].packets <= room or room == MAX_PACKETS):
            outgoing = self._waiting.popleft()
            room -= outgoing.packets
            self._waiting_packets -= outgoing.packets
            self._waiting_bytes -= len(outgoing.payload)
            yield outgoing

    def hand_over(self) -> list[Outgoing]:
        """Hand over what waits, oldest first; the goodbye is for whoever takes it to say."""
        packets = list(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = self._waiting_packets = 0
        self._goodbye = None
        self._note_progress()
        if self._state == "lingering":
            self._step("answer")
        return packets

    def _note_progress(self) -> None:
        self._consumers.note(self, self._cost)
        if self._progress is not None:
            self._progress.set()
            self._progress = None

    async def wait_progress(self) -> None:
        """Wait until the client has taken something of what waits, or there is nothing more to wait for."""
        if self._progress is None:  # one for all who wait
            self._progress = trio.Event()
        await self._progress.wait()

    @contextmanager
    def delivering(self, payload: bytes, answer: Answer) -> Generator[None]:
        """Count a payload, while it is written, as what still waits; `break_off` cancels the writing."""
        self._delivery = delivery = _Delivery(answer, len(payload))
        self._consumers.note(self, self._cost)
        try:
            with delivery.scope:
                yield
        finally:
            self._forget_tail()
            self._delivery, self._tail = None, delivery
            if self.closed:
                self._forget_tail()
            self._note_progress()

    def _forget_tail(self) -> None:
        """Take what was written last as taken: its client asks for more."""
        if self._tail is not None:
            self._delivered_bytes += self._tail.size
            self._tail = None

    def break_off(self) -> None:
        """Write no more of an answer that is on its way."""
        if self._delivery is not None:
            self._delivery.scope.cancel()

    has_unread = False  # requests are on connections of their own

    def stirred(self) -> bool:
        """See Transport.

        A POST that is being read has deadlines of its own.
        """
        seen, self._seen_bytes = self._seen_bytes, self.taken_bytes
        reads = self._delivery is not None or self._tail is not None
        return self.posts.begun or (reads and self._seen_bytes > seen)

    def end_poll(self) -> None:
        """End the GET that waits, if there is one: a client that would go over to WebSocket waits for its end."""
        self._wake()

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:  # noqa: ARG002 - for WebSocket
        """End: a waiting GET gets a noop where the client said goodbye, else a close packet.

        After a graceful end the last words wait for the GETs that they take; otherwise what nobody came for is dropped.
        """
        if self.closed:
            return
        self._forget_tail()
        self._on_full = _nothing  # it holds the session, which holds this: neither should wait to be collected
        if ending is Ending.GRACEFUL:
            self._goodbye = CLOSE
            self._step("close with last words")
        else:
            self.hand_over()
            self._goodbye = (NOOP if ending is Ending.PEER else CLOSE) if self.polled else None
            self._step("close")
        if ending is Ending.ERROR:
            self.posts.break_off()
        self._wake()


def _nothing() -> None:
    """Do nothing: there is nobody to tell."""
