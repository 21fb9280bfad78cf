"""Files at the limit of the document, 50 MiB, without ever holding one in memory."""

import tracemalloc
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import h11
import trio
import trio.testing

from slysock.systems.foundation import SystemSettings
from tests.slysock.systems.market import at
from tests.slysock.systems.pets.shop import Person, Shop, form_head, form_tail, open_shop, upload_head

LIMIT = 52_428_800
PEAK_BYTES = 6_000_000  # of everything, what the first requests import among it
HEAD, TAIL = form_head("film.mp4"), form_tail({})
START = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
BLOCK = bytes(range(256)) * 256


def film(length: int) -> Iterator[bytes]:
    """Make a film of this length, a block at a time."""
    yield START
    left = length - len(START)
    while left:
        yield BLOCK[:left]
        left -= min(left, len(BLOCK))


async def answer_of(stream: trio.abc.Stream) -> tuple[int, int]:
    """Read an answer; give its status and the length of its body."""
    machine = h11.Connection(h11.CLIENT)
    machine.send(h11.Request(method="GET", target="/", headers=[("host", "memory")]))
    machine.send(h11.EndOfMessage())
    status, length = 0, 0
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            machine.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            length += len(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, length


async def upload(shop: Shop, person: Person, chat: str, length: int, *, to_its_end: bool) -> int:
    """Send a film; give the status of the answer."""
    async with connected(shop) as stream:
        whole = len(HEAD) + length + len(TAIL)
        await stream.send_all(upload_head(chat, person.token, whole) + HEAD)
        for block in film(length):
            await stream.send_all(block)
        if to_its_end:
            await stream.send_all(TAIL)
        status, _ = await answer_of(stream)
    return status


@asynccontextmanager
async def connected(shop: Shop) -> AsyncGenerator[trio.abc.Stream, None]:
    """Connect by a stream that holds nothing: what is sent waits until the server takes it."""
    client, server = trio.testing.lockstep_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(shop.running.memory.server.serve_stream, server, peer="192.0.2.1"))
        yield client
        await trio.aclose_forcefully(client)


async def test_50_mib_are_taken_and_given_back_and_one_byte_more_is_refused_before_its_end(tmp_path: Path) -> None:
    assert SystemSettings().max_media_bytes == LIMIT
    async with open_shop(tmp_path / "media", max_media_bytes=LIMIT) as shop:
        anna = await shop.visit("anna")
        chat = await anna.create("ben")
        tracemalloc.start()
        try:
            assert await upload(shop, anna, chat, LIMIT, to_its_end=True) == 201
            assert await upload(shop, anna, chat, LIMIT + 1, to_its_end=False) == 413
            (name,) = shop.files()
            head = f"GET /api/chat/media/{name} HTTP/1.1\r\nhost: memory\r\nauthorization: Bearer {anna.token}\r\n\r\n"
            async with connected(shop) as stream:
                await stream.send_all(head.encode())
                assert await answer_of(stream) == (200, LIMIT)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < PEAK_BYTES
        assert (tmp_path / "media" / name).stat().st_size == LIMIT
        listed = at(await anna.data("GET", f"/{chat}/messages"), "messages")
        assert isinstance(listed, list)
        assert len(listed) == 1
