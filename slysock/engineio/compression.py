"""The bodies of polls' answers, compressed: large ones in a thread, and once for all who take the same."""

from typing import Final, final

import trio

from slysock.config import Config
from slysock.engineio.timers import Timers
from slysock.http.content_coding import Coding, Encoded, choose_coding, coded, compress, encode_body

IN_THREAD_BYTES: Final = 65_536
"""Bodies of this size or more are compressed in a thread, which costs 0.2 ms. So much takes a millisecond, in which the
event loop would stand still; 4 MB take 115."""

KEEP_SECONDS: Final = 2.0
"""How long a compressed body is kept for others who take the same: who polls at all has polled again by then."""

MAX_KEPT_BYTES: Final = 16_777_216
"""What bodies may have, before they are compressed, that are kept together; or a larger one alone."""

_THREADS: Final = 2
_TAIL_BYTES: Final = 64  # which tell nearly all bodies of one size apart


@final
class _Job:
    """A body that is being compressed, or has been."""

    __slots__ = ("lock", "packed", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.packed: bytes | None = None
        self.lock = trio.Lock()  # held by whoever waits for the thread; who is cancelled leaves it to the next


@final
class Compression:
    """Compresses as a client's Accept-Encoding allows.

    Bounds: `MAX_KEPT_BYTES`, for `KEEP_SECONDS`.
    """

    def __init__(self, config: Config, timers: Timers) -> None:
        self._enabled = config.compression
        self._threshold_bytes = config.compression_threshold_bytes
        self._timers = timers
        self._limiter = trio.CapacityLimiter(_THREADS)
        self._jobs: dict[tuple[Coding, int, bytes], _Job] = {}  # (coding, size, tail of the body) -> the newest such

    @property
    def kept_bytes(self) -> int:
        """What the bodies have that are kept."""
        return sum(len(job.payload) for job in self._jobs.values())

    async def encode(self, payload: bytes, accept_encoding: bytes | None) -> Encoded:
        """Compress a body when it is worth it and wanted; see `encode_body`. Waits for large ones only."""
        if not self._enabled:
            return Encoded(body=payload, headers=())
        if len(payload) < max(IN_THREAD_BYTES, self._threshold_bytes):
            return encode_body(payload, accept_encoding, self._threshold_bytes)
        coding = choose_coding(accept_encoding)
        return coded(payload, coding, None if coding is None else await self._pack(payload, coding))

    async def _pack(self, payload: bytes, coding: Coding) -> bytes:
        job = self._job(payload, coding)
        async with job.lock:
            if job.packed is None:
                job.packed = await trio.to_thread.run_sync(compress, payload, coding, limiter=self._limiter)
            return job.packed

    def _job(self, payload: bytes, coding: Coding) -> _Job:
        """Find the job for a body, or make it."""
        key = (coding, len(payload), payload[-_TAIL_BYTES:])
        job = self._jobs.get(key)
        if job is None or job.payload != payload:
            job = self._jobs[key] = _Job(payload)
            self._timers.call_later(KEEP_SECONDS, lambda: self._forget(key, job))
            while self.kept_bytes > MAX_KEPT_BYTES and len(self._jobs) > 1:
                del self._jobs[next(iter(self._jobs))]
        return job

    def _forget(self, key: tuple[Coding, int, bytes], job: _Job) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
