"""Where the tasks of one WebSocket run, if it has any."""

import socket as stdlib_socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.engineio.home import InNursery, OnDemand
from tests.slysock.serving import logged


@asynccontextmanager
async def on_demand() -> AsyncGenerator[tuple[OnDemand, stdlib_socket.socket, list[str]]]:
    """A home in a shared nursery, its socket, and what was told of its end."""
    ours, theirs = stdlib_socket.socketpair()
    ours.setblocking(False)
    told: list[str] = []
    with ours, theirs:
        async with trio.open_nursery() as nursery:
            yield OnDemand(ours, lambda: nursery, lambda _: told.append("ended")), ours, told
            nursery.cancel_scope.cancel()


async def test_a_task_is_there_while_it_runs_and_its_end_is_not_the_connections() -> None:
    async with on_demand() as (home, sock, told):
        done = trio.Event()
        home.start_soon(done.wait)
        await wait_all_tasks_blocked()
        done.set()
        await wait_all_tasks_blocked()
        assert sock.fileno() >= 0
        assert told == []


async def test_an_end_closes_the_socket_ends_every_task_and_is_told_once() -> None:
    async with on_demand() as (home, sock, told):
        ended: list[str] = []

        async def wait(name: str) -> None:
            try:
                await trio.sleep_forever()
            finally:
                ended.append(name)

        async def write() -> None:
            with pytest.raises((trio.ClosedResourceError, trio.Cancelled)):
                await trio.lowlevel.wait_readable(sock)
            ended.append("reader")

        home.start_soon(wait, "a")
        home.start_soon(wait, "b")
        home.start_soon(write)
        await wait_all_tasks_blocked()
        home.end()
        home.end()
        assert sock.fileno() < 0
        await wait_all_tasks_blocked()
        assert sorted(ended) == ["a", "b", "reader"]
        assert told == ["ended"]


async def test_a_task_that_is_cancelled_ends_nobody_elses() -> None:
    async with on_demand() as (home, _, told), trio.open_nursery() as others:
        beside = OnDemand(stdlib_socket.socket(), lambda: others, lambda _: told.append("beside"))
        home.start_soon(trio.sleep_forever)
        beside.start_soon(trio.sleep_forever)
        await wait_all_tasks_blocked()
        home.cancel()
        await wait_all_tasks_blocked()
        assert len(others.child_tasks) == 1
        assert told == []
        beside.end()


async def test_a_task_that_fails_is_logged_and_ends_the_connection_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async with on_demand() as (home, sock, told):
        home.start_soon(fail)
        await wait_all_tasks_blocked()
        assert sock.fileno() < 0
        assert told == ["ended"]
    assert logged(caplog) == ["a connection failed"]


def test_where_no_task_can_run_any_more_the_connection_ends() -> None:
    sock, told = stdlib_socket.socket(), list[str]()
    OnDemand(sock, lambda: None, lambda _: told.append("ended")).start_soon(trio.sleep_forever)
    assert sock.fileno() < 0
    assert told == ["ended"]


async def test_a_connection_with_a_task_of_its_own_keeps_all_in_its_nursery() -> None:
    async with trio.open_nursery() as nursery:
        home = InNursery(nursery)
        home.start_soon(trio.sleep_forever)
        home.end()
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1, "closing is up to whoever opened the nursery"
        home.cancel()
