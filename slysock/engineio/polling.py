"""Long-polling: what waits for the client's next GET, and the GET that waits for something to say.

Source: Engine.IO protocol v4, "HTTP long-polling"; the answers to a poll that is cut short follow Node's engine.io
(lib/transports/polling.ts).
"""

from collections.abc import Awaitable, Callable
from typing import Final, final

import trio

from slysock.config import TransportName
from slysock.engineio.session import Ending
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
        "_goodbye",
        "_max_bytes",
        "_on_full",
        "_poll",
        "_posting",
        "_releasing",
        "_shut",
        "_waiting",
        "_waiting_bytes",
    )

    def __init__(self, *, max_bytes: int, on_full: Callable[[], None]) -> None:
        self._max_bytes = max_bytes
        self._on_full = on_full
        self._waiting: list[Outgoing] = []
        self._waiting_bytes = 0
        self._poll: trio.CancelScope | None = None  # around the wait of a GET; cancelled to end it
        self._posting = False  # a POST is being read
        self._releasing = False  # an upgrade wants polls to end at once
        self._goodbye: Outgoing | None = None
        self._shut = False  # nothing more is taken

    @property
    def polled(self) -> bool:
        """Whether a GET is waiting."""
        return self._poll is not None

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

    @property
    def lingering(self) -> bool:
        """Whether there are last words that no poll has carried yet."""
        return self._goodbye is not None

    def send(self, outgoing: Outgoing) -> None:
        """Keep a packet for the poll, and end the poll when it is already there."""
        if self._shut:
            return
        self._waiting_bytes += len(outgoing.payload)
        if self._waiting and self._waiting_bytes > self._max_bytes:
            self._shut = True
            self._on_full()
            return
        self._waiting.append(outgoing)
        self._wake()

    def _wake(self) -> None:
        if self._poll is not None:
            self._poll.cancel()

    async def poll(self, wait_gone: Callable[[], Awaitable[None]]) -> bytes | None:
        """Wait for something to say and return it as the body of the answer; None: the client gave the request up.

        `wait_gone` returns when the client has left, and may be cancelled without harm. Cancelled, this leaves
        everything where it was.
        """
        if self._waiting or self._goodbye or self._releasing:
            return self._take()
        # The wait that notices the client's leaving is the only one, and news cancel it: a task of its own for either
        # would cost 15 µs, a tenth of a poll.
        self._poll = news = trio.CancelScope()
        try:
            with news:
                # Under load the POST that is answered by this poll came with it and has its turn now.
                await trio.lowlevel.cancel_shielded_checkpoint()
                if not news.cancel_called:
                    await wait_gone()
        finally:
            self._poll = None
        return self._take() if news.cancel_called else None

    def _take(self) -> bytes:
        packets = self.hand_over()
        if self._goodbye is not None:
            packets.append(self._goodbye)
            self._goodbye = None
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
        self._releasing = True
        self._wake()

    def hold(self) -> None:
        """Let polls wait again: the upgrade came to nothing."""
        self._releasing = False

    def close(self, ending: Ending, code: CloseCode, text: str) -> None:  # noqa: ARG002 - for WebSocket
        """End: a waiting GET gets a noop where the client said goodbye, else a close packet.

        After a graceful end the last words wait for one more GET; otherwise what nobody came for is dropped.
        """
        self._shut = True
        if ending is Ending.GRACEFUL:
            self._goodbye = CLOSE
        else:
            self._waiting.clear()
            self._goodbye = (NOOP if ending is Ending.PEER else CLOSE) if self.polled else None
        self._wake()
