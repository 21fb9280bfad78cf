"""Clients that never read, read too little, or are gone without a word."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config
from tests.robustness.scene import PATH, scene
from tests.robustness.wire import WebSocketPeer, opening_bytes

SMALL = Config(
    ping_interval_seconds=100_000,
    ping_timeout_seconds=100_000,
    max_outbox_bytes=100_000,
    max_outbox_hard_bytes=100_000,
    write_timeout_seconds=20,
)


async def test_a_client_that_never_reads_is_a_slow_consumer_when_its_outbox_is_full(autojump_clock: MockClock) -> None:
    async with scene(config=SMALL, costs=2_000_000) as stage:
        peer = await stage.peer()
        await peer.send('42["flood",5000,1000]')
        await wait_all_tasks_blocked()
        await stage.undisturbed()
        await stage.wait_alone()
        assert stage.reasons == ["slow consumer"]


async def test_a_client_that_never_reads_a_little_is_cut_off_after_the_write_deadline(
    autojump_clock: MockClock,
) -> None:
    async with scene(config=SMALL) as stage:
        peer = await stage.peer()
        started = trio.current_time()
        await peer.send('42["flood",3,10]')
        await wait_all_tasks_blocked()
        await stage.undisturbed()
        await stage.wait_alone()
        assert trio.current_time() - started == pytest.approx(SMALL.write_timeout_seconds, abs=0.2)
        assert stage.reasons == ["transport error"]


async def test_a_client_that_reads_slowly_but_does_is_kept(autojump_clock: MockClock) -> None:
    async with scene(config=SMALL) as stage:
        peer = await stage.peer()
        await peer.send('42["flood",10,2000]')
        for _ in range(10):
            await trio.sleep(SMALL.write_timeout_seconds / 20)
            assert (await peer.receive_text()).startswith('42["drop"')
        await stage.undisturbed()
        assert stage.reasons == []
        await peer.drop()


async def test_a_polling_client_that_never_polls_is_a_slow_consumer(autojump_clock: MockClock) -> None:
    async with scene(config=SMALL, costs=2_000_000) as stage:
        poller = await stage.poller()
        assert (await poller.post('42["flood",5000,1000]')).status in (200, 400)
        await stage.undisturbed()
        await stage.wait_alone()
        assert (await poller.poll()).status == 400
        assert stage.reasons == ["slow consumer"]


@pytest.mark.parametrize("joined", [True, False])
async def test_a_client_that_vanishes_without_fin_is_given_up_after_the_ping_timeout(
    joined: bool, autojump_clock: MockClock
) -> None:
    """The witness answers its ping, as clients do; the other one just is not there any more."""
    config = Config(ping_interval_seconds=25, ping_timeout_seconds=20, write_timeout_seconds=1000)
    async with scene(config=config) as stage:
        peer = await stage.peer(join=joined)
        await trio.sleep(25.5)
        await stage.answer_ping()
        await trio.sleep(19)
        assert stage.sessions == 2
        await trio.sleep(1)
        assert stage.sessions == 1
        assert stage.reasons == (["ping timeout"] if joined else [])
        await stage.undisturbed()
        await trio.sleep(10)  # the goodbye that nobody reads has a deadline too
        await stage.answer_ping()
        with pytest.raises(trio.BrokenResourceError):
            await peer.stream.send_all(b"x")


async def test_a_polling_client_that_vanishes_is_given_up_after_the_ping_timeout(autojump_clock: MockClock) -> None:
    config = Config(ping_interval_seconds=25, ping_timeout_seconds=20)
    async with scene(config=config) as stage:
        poller = await stage.poller()
        await trio.sleep(25.5)
        await stage.answer_ping()
        await trio.sleep(19)
        assert stage.sessions == 2
        await trio.sleep(1)
        assert stage.sessions == 1
        assert (await poller.poll()).status == 400
        assert stage.reasons == ["ping timeout"]


async def test_a_client_that_vanishes_in_its_opening_handshake_leaves_nothing(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        for cut in (10, 40, 100, 150):
            peer = WebSocketPeer(await stage.stream())
            await peer.raw(opening_bytes(f"{PATH}?EIO=4&transport=websocket")[:cut])
            await peer.drop()
        await wait_all_tasks_blocked()
        assert (stage.sessions, stage.connections) == (1, 0)


async def test_a_handler_of_a_client_that_is_gone_ends_and_its_answer_is_forgotten(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send('421["call"]')
        assert await peer.receive()
        await peer.drop()
        await stage.wait_alone()
        await wait_all_tasks_blocked()  # the hook waits for the handler to end
        assert stage.reasons == ["transport close"]
