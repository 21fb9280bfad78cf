"""Large bodies are compressed beside the event loop, and once for all who take the same."""

import gzip
import threading
import zlib
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock import Config
from slysock.engineio import compression as module
from slysock.engineio.compression import IN_THREAD_BYTES, KEEP_SECONDS, MAX_KEPT_BYTES, Compression
from slysock.engineio.timers import Timers
from slysock.http.content_coding import Coding, compress

LARGE = b"0123456789" * (IN_THREAD_BYTES // 10 + 1)
SMALL = LARGE[: IN_THREAD_BYTES - 1]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which something was compressed."""
    seen: list[int] = []

    def noting(body: bytes, coding: Coding) -> bytes:
        seen.append(threading.get_ident())
        return compress(body, coding)

    monkeypatch.setattr(module, "compress", noting)
    return seen


async def every(*calls: Callable[[], Awaitable[object]]) -> None:
    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(call)


async def test_large_bodies_are_compressed_in_a_thread_and_small_ones_at_once(threads: list[int]) -> None:
    compression = Compression(Config(), Timers())
    encoded = await compression.encode(LARGE, b"gzip")
    assert gzip.decompress(encoded.body) == LARGE
    assert dict(encoded.headers) == {b"content-encoding": b"gzip", b"vary": b"Accept-Encoding"}
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    assert gzip.decompress((await compression.encode(SMALL, b"gzip")).body) == SMALL
    assert len(threads) == 1
    assert compression.kept_bytes == len(LARGE), "small ones are not kept"


async def test_a_body_is_compressed_once_for_all_who_take_it_in_one_coding(threads: list[int]) -> None:
    compression = Compression(Config(), Timers())

    async def ask() -> None:
        assert gzip.decompress((await compression.encode(bytes(bytearray(LARGE)), b"gzip")).body) == LARGE

    await every(*[ask] * 20)
    assert len(threads) == 1
    assert zlib.decompress((await compression.encode(LARGE, b"deflate")).body) == LARGE
    assert len(threads) == 2
    other = b"x" + LARGE[1:]
    assert gzip.decompress((await compression.encode(other, b"gzip")).body) == other, "of the same size and tail"


async def test_who_is_cancelled_leaves_the_others_their_answer(
    threads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    compression = Compression(Config(), Timers())
    compression._limiter.total_tokens = 1
    answers: list[bytes] = []

    async def ask() -> None:
        answers.append((await compression.encode(LARGE, b"gzip")).body)

    async with trio.open_nursery() as nursery, compression._limiter:  # no thread is to be had for now
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as first:
                first.start_soon(ask)
                await wait_all_tasks_blocked()
                nursery.start_soon(ask)
                await wait_all_tasks_blocked()
                scope.cancel()
    assert [gzip.decompress(body) for body in answers] == [LARGE]


async def test_nothing_is_kept_for_long_or_beyond_a_bound(nursery: trio.Nursery, autojump_clock: object) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    compression = Compression(Config(), timers)
    for number in range(5):
        compression._job(bytes([number]) * (MAX_KEPT_BYTES // 4), "gzip")
    assert compression.kept_bytes == MAX_KEPT_BYTES, "the oldest has gone"
    compression._job(bytes(2 * MAX_KEPT_BYTES), "gzip")
    assert compression.kept_bytes == 2 * MAX_KEPT_BYTES, "one that is larger than all may be, alone"
    await trio.sleep(KEEP_SECONDS + 1)
    assert compression.kept_bytes == 0


@pytest.mark.parametrize("accept", [b"gzip", b"deflate", None])
async def test_nothing_is_compressed_where_that_is_switched_off(accept: bytes | None, threads: list[int]) -> None:
    compression = Compression(Config(compression=False), Timers())
    for body in (LARGE, SMALL):
        encoded = await compression.encode(body, accept)
        assert (encoded.body, encoded.headers) == (body, ())
    assert threads == []


async def test_who_takes_no_coding_gets_the_body_as_it_is(threads: list[int]) -> None:
    encoded = await Compression(Config(), Timers()).encode(LARGE, None)
    assert (encoded.body, encoded.headers) == (LARGE, ((b"vary", b"Accept-Encoding"),))
    assert threads == []
