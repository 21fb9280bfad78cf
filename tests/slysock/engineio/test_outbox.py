"""The outbox: one writer, bounded, on real sockets that fill up and on streams in memory."""

import socket as stdlib_socket
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import (
    MemorySendStream,
    MockClock,
    lockstep_stream_one_way_pair,
    memory_stream_one_way_pair,
    wait_all_tasks_blocked,
)

from tests.slysock.engineio.outboxes import RecordingSocket, bench, nothing, pair, read


class Broken(Exception):
    """For streams that fail."""


# ---- sockets --------------------------------------------------------------------------------------------------------


async def test_messages_of_one_turn_are_sent_together() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours)
            for number in range(5):
                box.push(b"%d" % number)
            assert box.statistics().waiting_bytes == 5
            await wait_all_tasks_blocked()
            assert theirs.recv(100) == b"01234"
            assert ours.sends == [5]
            assert box.statistics().waiting_bytes == 0
            box.push(b"again")
            await box.wait_empty()
            assert theirs.recv(100) == b"again"


async def test_partial_writes_lose_and_reorder_nothing() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10_000_000)
            expected = b"".join(b"%07d " % number for number in range(100_000))
            for start in range(0, len(expected), 8000):
                box.push(expected[start : start + 8000])
                if start % 80_000 == 0:
                    await trio.lowlevel.checkpoint()
            await trio.testing.wait_all_tasks_blocked()
            assert box.statistics().blocked
            assert not box.takes(1)
            box.push(b"the end")
            assert await read(theirs, len(expected) + 7) == expected + b"the end"
            await box.wait_empty()
            await wait_all_tasks_blocked()
            assert box.takes(1)
            assert len(ours.sends) > 3
        assert made.reports == []


async def test_no_progress_before_the_deadline_breaks_the_box(autojump_clock: MockClock) -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10_000_000)
            box.push(b"x" * 1_000_000)
            await trio.sleep(4)
            assert made.reports == []
            await trio.sleep(2)
            assert made.reports == ["broken"]
            assert (box.shut, box.statistics().waiting_bytes) == (True, 0)
            box.push(b"forgotten")
            assert box.statistics().waiting_bytes == 0
            await box.wait_empty()


async def test_a_reset_connection_breaks_the_box() -> None:
    ours, theirs = pair()
    with ours:
        async with bench() as made:
            box = made.box(nothing(), ours)
            theirs.close()
            box.push(b"x")
            await wait_all_tasks_blocked()
            assert made.reports == ["broken"]


async def test_a_reset_while_draining_breaks_the_box() -> None:
    ours, theirs = pair()
    with ours:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10_000_000)
            box.push(b"x" * 1_000_000)
            await wait_all_tasks_blocked()
            theirs.close()
            await box.wait_empty()
            assert made.reports == ["broken"]


async def test_a_full_box_reports_it_once_and_not_from_inside_the_push() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=300_000)
            box.push(b"x" * 250_000)
            await wait_all_tasks_blocked()
            for _ in range(5):
                box.push(b"y" * 100_000)
                assert made.reports == []
            assert box.shut
            await wait_all_tasks_blocked()
            assert made.reports == ["full"]
            assert box.statistics().waiting_bytes == 0


async def test_a_lost_connection_that_a_push_finds_out_is_not_reported_from_inside_it() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=1000)
            theirs.close()
            with suppress(OSError):
                ours.send(b"finds out")
            box.push(b"x" * 600)
            assert not box.takes(600)
            box.push(b"y" * 600)
            assert made.reports == []
            assert box.shut
            await wait_all_tasks_blocked()
            assert made.reports == ["broken"]
            assert box.statistics().waiting_bytes == 0


async def test_a_burst_that_the_kernel_takes_is_not_called_full() -> None:
    ours, theirs = pair()
    ours.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_SNDBUF, 1_000_000)
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=1000)
            for _ in range(20):
                box.push(b"x" * 500)
            await wait_all_tasks_blocked()
            assert made.reports == []
            assert len(await read(theirs, 10_000)) == 10_000


async def test_a_burst_of_which_the_kernel_takes_a_part_is_kept_as_far_as_there_is_room() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=100_000)
            box.push(b"a" * 90_000)
            box.push(b"b" * 10_500)  # over the limit, were it not for what the kernel takes of the first
            assert box.statistics().blocked
            assert not box.shut
            assert await read(theirs, 100_500) == b"a" * 90_000 + b"b" * 10_500


async def test_a_wake_up_for_nothing_costs_nothing_but_a_turn() -> None:
    class Spurious(RecordingSocket):
        """Says that it can be written to, and cannot, once."""

        refusals = 1

        def send(self, data: object, flags: int = 0) -> int:
            if self.refusals and self.sends:
                self.refusals -= 1
                raise BlockingIOError
            return super().send(data, flags)

    ours, theirs = pair()
    spurious = Spurious(fileno=ours.detach())
    spurious.sends = []
    with spurious, theirs:
        async with bench() as made:
            box = made.box(nothing(), spurious, max_bytes=100_000)
            box.push(bytes(90_000))
            await wait_all_tasks_blocked()
            assert await read(theirs, 90_000) == bytes(90_000)
            assert spurious.refusals == 0
            assert made.reports == []


async def test_who_holds_the_flusher_flushes_without_a_turn() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours)
            made.flusher.hold()
            box.push(b"1")
            box.push(b"2")
            assert ours.sends == []
            made.flusher.flush()
            assert ours.sends == [2]
            box.push(b"3")  # held no longer
            await wait_all_tasks_blocked()
            assert await read(theirs, 3) == b"123"


async def test_one_message_larger_than_the_limit_passes() -> None:
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10)
            box.push(b"x" * 200_000)
            await wait_all_tasks_blocked()
            assert await read(theirs, 200_000) == b"x" * 200_000
            assert made.reports == []
            box.push(b"y" * 11)
            assert await read(theirs, 11) == b"y" * 11


async def test_a_burst_over_the_limit_that_breaks_meanwhile_is_forgotten() -> None:
    ours, theirs = pair()
    with ours:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10)
            box.push(b"x" * 8)
            theirs.close()
            box.push(b"x" * 8)
            await wait_all_tasks_blocked()
            assert made.reports == ["broken"]


# ---- streams in memory ----------------------------------------------------------------------------------------------


async def test_a_stream_gets_everything_in_order(autojump_clock: MockClock) -> None:
    send, receive = memory_stream_one_way_pair()
    async with bench() as made:
        box = made.box(send, max_bytes=1_000_000)
        expected = bytes(range(256)) * 1000
        box.push(expected)
        box.push(b"end")
        await box.wait_empty()
        await send.aclose()
        assert b"".join([bytes(piece) async for piece in receive]) == expected + b"end"


async def test_two_may_wait_for_empty_one_after_the_other_and_together(autojump_clock: MockClock) -> None:
    send, receive = lockstep_stream_one_way_pair()
    async with bench() as made:
        box = made.box(send)
        for _ in range(2):
            box.push(b"x" * 100)
            done: list[int] = []

            async def wait(done: list[int] = done) -> None:
                await box.wait_empty()
                done.append(box.statistics().waiting_bytes)

            made.nursery.start_soon(wait)
            made.nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            assert done == []
            assert await receive.receive_some(100) == b"x" * 100
            await wait_all_tasks_blocked()
            assert done == [0, 0]


async def test_a_slow_stream_that_makes_progress_is_not_given_up(autojump_clock: MockClock) -> None:
    send, receive = lockstep_stream_one_way_pair()
    async with bench() as made:
        box = made.box(send, max_bytes=1_000_000)
        box.push(b"x" * 65_536 * 5)
        received = 0
        while received < 65_536 * 5:
            await trio.sleep(4)
            received += len(await receive.receive_some(65_536))
        await box.wait_empty()
        assert made.reports == []
        assert trio.current_time() == 20


async def test_a_stuck_stream_is_given_up_in_time(autojump_clock: MockClock) -> None:
    send, _receive = lockstep_stream_one_way_pair()
    async with bench() as made:
        box = made.box(send)
        box.push(b"x")
        await box.wait_empty()
        assert (trio.current_time(), made.reports) == (5, ["broken"])


@pytest.mark.parametrize("failure", [trio.BrokenResourceError, trio.ClosedResourceError, OSError])
async def test_a_failing_stream_breaks_the_box(autojump_clock: MockClock, failure: type[Exception]) -> None:
    async def fail() -> None:
        raise failure

    send = MemorySendStream(send_all_hook=fail)
    async with bench() as made:
        box = made.box(send)
        box.push(b"x")
        await box.wait_empty()
        assert made.reports == ["broken"]


async def test_a_cancelled_write_shuts_the_box_because_half_a_message_may_be_out(autojump_clock: MockClock) -> None:
    send, _receive = lockstep_stream_one_way_pair()
    async with bench() as made, trio.open_nursery() as connection:
        box = made.box(send, nursery=connection)
        box.push(b"x")
        await wait_all_tasks_blocked()
        connection.cancel_scope.cancel()
        await box.wait_empty() if box.shut else None
    assert (box.shut, made.reports) == (True, ["broken"])


async def test_full_while_a_write_is_under_way(autojump_clock: MockClock) -> None:
    send, receive = lockstep_stream_one_way_pair()
    async with bench() as made:
        box = made.box(send, max_bytes=100)
        box.push(b"x" * 80)
        await wait_all_tasks_blocked()
        box.push(b"y" * 80)
        await wait_all_tasks_blocked()
        assert made.reports == ["full"]
        assert await receive.receive_some(100) == b"x" * 80
        await wait_all_tasks_blocked()
        assert box.statistics().waiting_bytes == 0


async def test_a_box_that_was_given_up_forgets_what_waits_and_needs_no_nursery(autojump_clock: MockClock) -> None:
    async with bench() as made:
        async with trio.open_nursery() as connection:
            box = made.box(nothing(), nursery=connection)
        box.push(b"x")
        box.give_up()
        box.give_up()
        await wait_all_tasks_blocked()
        assert made.reports == ["broken"]


# ---- the flusher ----------------------------------------------------------------------------------------------------


async def test_boxes_are_flushed_in_the_order_in_which_they_got_something(autojump_clock: MockClock) -> None:
    sent = list[int]()
    async with bench() as made:
        for number in range(10):
            send = MemorySendStream(send_all_hook=noting(sent, number))
            made.box(send).push(b"x")
        await wait_all_tasks_blocked()
    assert sorted(sent) == list(range(10))


def noting(sent: list[int], number: int):  # type: ignore[no-untyped-def]  # an async hook
    async def hook() -> None:
        sent.append(number)

    return hook


async def test_what_is_pushed_while_boxes_are_flushed_is_flushed_next(autojump_clock: MockClock) -> None:
    ours, theirs = pair()
    other_ours, other_theirs = pair()
    with ours, theirs, other_ours, other_theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10, on_full=lambda: other.push(b"sorry"))
            other = made.box(nothing(), other_ours)
            box.push(b"x" * 500_000)
            await wait_all_tasks_blocked()
            box.push(b"x")
            assert await read(other_theirs, 5) == b"sorry"


async def test_a_push_outside_of_the_loop_raises_and_silences_nobody() -> None:
    """Users' threads are kept from it by slysock.socketio.loop; who gets here all the same is the only one to pay."""
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box, other = made.box(nothing(), ours), made.box(nothing())

            def push() -> None:
                with pytest.raises(RuntimeError):
                    other.push(b"from a thread")

            await trio.to_thread.run_sync(push)
            box.push(b"still heard")
            assert await read(theirs, 11) == b"still heard"


async def test_a_slow_line_that_empties_the_kernels_buffer_is_progress(autojump_clock: MockClock) -> None:
    """The kernel takes more only when a good part of its buffer is free, which may be a while."""
    ours, theirs = pair()
    with ours, theirs:
        async with bench() as made:
            box = made.box(nothing(), ours, max_bytes=10_000_000)
            box.push(b"x" * 1_000_000)
            for _ in range(20):
                await trio.sleep(4)
                assert theirs.recv(4500)
            assert made.reports == []
            await trio.sleep(11)
            assert made.reports == ["broken"]


async def test_the_flusher_can_be_cancelled_while_it_has_nothing_to_do() -> None:
    async with bench():
        pass


@given(
    sizes=st.lists(st.integers(1, 120_000), min_size=1, max_size=12),
    reads=st.lists(st.integers(1, 200_000), min_size=1, max_size=12),
)
def test_any_sizes_and_any_reading_keep_every_byte_in_order(sizes: list[int], reads: list[int]) -> None:
    async def main() -> None:
        ours, theirs = pair()
        with ours, theirs:
            async with bench() as made:
                box = made.box(nothing(), ours, max_bytes=10_000_000)
                expected, received = b"", b""
                for index, size in enumerate(sizes):
                    piece = bytes([index]) * size
                    expected += piece
                    box.push(piece)
                    if index < len(reads):
                        received += await read(theirs, min(reads[index], len(expected) - len(received)))
                received += await read(theirs, len(expected) - len(received))
                assert received == expected
                assert made.reports == []

    trio.run(main)
