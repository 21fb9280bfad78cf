"""Long-polling: what waits for the client's next GET, and the GET that waits for something to say.

Source: Engine.IO protocol v4, "HTTP long-polling"; the answers to a poll that is cut short follow Node's engine.io
(lib/transports/polling.ts).
"""

from collections.abc import Awaitable, Callable
from typing import Final, final

import trio

from slysock.config import TransportName
from slysock.engineio.states import POLLING, PollingState, PollingStep
from slysock.engineio.transport import Ending
from slysock.states import follow
from slysock_protocol.engineio import CLOSE, NOOP, SEPARATOR, Outgoing
from slysock_protocol.errors import CloseCode

LINGER_SECONDS: Final = 30.0
"""How long the last words of a session wait for a poll to carry them; Node's closeTimeout."""


@final
class PollingTransport:
    """The packets of one session that wait for a poll.

    Bounds: `max_bytes`, as for an outbox; above it `on_full` is called once and nothing more is kept. It must not act
    on the session at once, because the caller may be in the middle of a broadcast.
    """

    __slots__ = (
        "_full",
        "_goodbye",
        "_max_bytes",
        "_news",
        "_on_full",
        "_posting",
        "_state",
        "_waiting",
        "_waiting_bytes",
    )

    def __init__(self, *, max_bytes: int, on_full: Callable[[], None]) -> None:
        self._max_bytes = max_bytes
        self._on_full = on_full
        self._state: PollingState = "idle"
        self._waiting: list[Outgoing] = []
        self._waiting_bytes = 0
        self._full = False  # nothing more is taken: it is about to be closed
        self._news: trio.CancelScope | None = None  # around the wait of a GET; cancelled to end it
        self._goodbye: Outgoing | None = None
        self._posting = False  # a POST is being read

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
        return self._state == "lingering"

    @property
    def released(self) -> bool:
        """Whether polls end at once."""
        return self._state in ("releasing", "released")

    @property
    def name(self) -> TransportName:
        """What clients call it."""
        return "polling"

    @property
    def waiting_bytes(self) -> int:
        """What waits for a poll."""
        return self._waiting_bytes

    def takes(self, outgoing: Outgoing) -> bool:
        """Tell whether a GET is waiting to carry this, with what it carries already."""
        return self.polled and not (self._waiting and self._waiting_bytes + len(outgoing.payload) > self._max_bytes)

    def send(self, outgoing: Outgoing) -> None:
        """Keep a packet for the poll, and end the poll when it is already there."""
        if self._full or self.closed:
            return
        self._waiting_bytes += len(outgoing.payload)
        if self._waiting and self._waiting_bytes > self._max_bytes:
            self._full = True
            self._on_full()
            return
        self._waiting.append(outgoing)
        self._wake()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.cancel()

    async def poll(self, wait_gone: Callable[[], Awaitable[None]]) -> bytes | None:
        """Wait for something to say and return it as the body of the answer; None: the client gave the request up.

        Not while another GET is `polled`. `wait_gone` returns when the client has left, and may be cancelled without
        harm. Cancelled, this leaves everything where it was.
        """
        if self._waiting or self._state != "idle":
            return self._take()
        self._step("poll")
        # The wait that notices the client's leaving is the only one, and news cancel it: a task of its own for either
        # would cost 15 µs, a tenth of a poll.
        self._news = news = trio.CancelScope()
        try:
            with news:
                # Under load the POST that is answered by this poll came with it and has its turn now.
                await trio.lowlevel.cancel_shielded_checkpoint()
                if not news.cancel_called:
                    await wait_gone()
        finally:
            self._news = None
            self._step("answer")
        return self._take() if news.cancel_called else None

    def _take(self) -> bytes:
        packets = self.hand_over()
        if self._goodbye is not None:
            packets.append(self._goodbye)
            self._goodbye = None
        if self._state == "lingering":
            self._step("answer")
        return SEPARATOR.join(packet.payload for packet in packets or [NOOP])

    def hand_over(self) -> list[Outgoing]:
        """Give away what waits, oldest first."""
        packets, self._waiting = self._waiting, []
        self._waiting_bytes = 0
        return packets

    def begin_post(self) -> bool:
        """Note that a POST has begun; False when another one has not ended."""
        begun, self._posting = not self._posting, True
        return begun

    def end_post(self) -> None:
        """Note that the POST is over."""
        self._posting = False

    def release(self) -> None:
        """End every poll at once from now on, with what there is or with a noop: an upgrade is under way."""
        self._step("release")
        self._wake()

    def hold(self) -> None:
        """Let polls wait again: the upgrade came to nothing."""
        if self.released:  # it may have failed before it came so far
            self._step("hold")

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:  # noqa: ARG002 - for WebSocket
        """End: a waiting GET gets a noop where the client said goodbye, else a close packet.

        After a graceful end the last words wait for one more GET; otherwise what nobody came for is dropped.
        """
        if self.closed:
            return
        self._on_full = _nothing  # it holds the session, which holds this: neither should wait to be collected
        if ending is Ending.GRACEFUL:
            self._goodbye = CLOSE
            self._step("close with last words")
        else:
            self.hand_over()
            self._goodbye = (NOOP if ending is Ending.PEER else CLOSE) if self.polled else None
            self._step("close")
        self._wake()


def _nothing() -> None:
    """Do nothing: there is nobody to tell."""
