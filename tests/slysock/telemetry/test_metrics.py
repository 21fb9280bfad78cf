"""What monitoring reads of a server, whatever its program is."""

import trio
from prometheus_client import Gauge
from trio.testing import MockClock

from slysock import Config, Server
from slysock.errors import RefusalRecord
from slysock.telemetry.metrics import MAX_NAMESPACES, MAX_REASONS, Metrics
from slysock.testing import Memory, WebSocketClient, serve_memory
from tests.slysock.telemetry.programs import make_server
from tests.slysock.telemetry.rendering import values_in


def observed(server: Server) -> Metrics:
    metrics = Metrics()
    server.observe(metrics)
    return metrics


async def test_events_are_counted_and_timed() -> None:
    server = make_server()
    metrics = observed(server)
    async with serve_memory(server) as memory:
        client = await memory.connect()
        for number in range(3):
            await client.call("add", number, 1)
    found = values_in(metrics.render())
    assert found['slysock_joins_total{namespace="/"}'] == 1
    assert found['slysock_events_total{event="add",namespace="/"}'] == 3
    assert found['slysock_delivery_seconds_count{namespace="/"}'] == 3


async def test_what_fails_is_counted_by_kind_and_not_as_handled() -> None:
    server = make_server()
    metrics = observed(server)
    async with serve_memory(server) as memory:
        client = await memory.connect()
        await client.call("add", "SECRET", "SECRET")
        await client.call("refuse")
    found = values_in(metrics.render())
    assert found['slysock_errors_total{kind="InvalidPayload",namespace="/"}'] == 1
    assert found['slysock_errors_total{kind="TooLate",namespace="/"}'] == 1
    assert not any(name.startswith("slysock_events_total") for name in found)
    assert b"SECRET" not in metrics.render()


async def test_what_a_server_holds_is_shown_where_its_statistics_are_given() -> None:
    server = make_server()
    metrics = observed(server)
    async with serve_memory(server) as memory:
        await memory.connect()
        assert "slysock_connections" not in values_in(metrics.render())
        metrics.add_gauges(server.statistics)
        found = values_in(metrics.render())
    assert found["slysock_connections"] == 1
    assert found['slysock_clients{namespace="/"}'] == 1
    assert found["slysock_outbox_bytes"] >= 0


async def test_the_ends_of_connections_are_counted_by_reason(autojump_clock: trio.testing.MockClock) -> None:
    server = make_server(Config(max_outbox_bytes=20_000, max_outbox_hard_bytes=20_000))
    metrics = observed(server)
    assert values_in(metrics.render())["slysock_slow_consumers_total"] == 0
    async with serve_memory(server) as memory:
        await leave(memory)
        slow = await memory.connect()
        slow.connection.engine.pace.stall()
        for _ in range(2000):
            server.of("/").emit("news", "x" * 1000)
        await trio.testing.wait_all_tasks_blocked()
        found = values_in(metrics.render())
    assert found['slysock_connections_closed_total{reason="transport close"}'] == 1
    assert found['slysock_connections_closed_total{reason="slow consumer"}'] == 1
    assert found["slysock_slow_consumers_total"] == 1


async def leave(memory: Memory) -> None:
    """Come, and close the connection."""
    engine = (await memory.connect()).connection.engine
    assert isinstance(engine, WebSocketClient)
    await engine.close()
    await trio.testing.wait_all_tasks_blocked()


async def test_names_that_clients_make_up_fill_no_memory(autojump_clock: trio.testing.MockClock) -> None:
    server = make_server(Config(max_namespaces=MAX_NAMESPACES + 10))
    metrics = observed(server)
    async with serve_memory(server) as memory:
        connection = await memory.open_connection()
        for number in range(MAX_NAMESPACES + 3):
            client = await connection.join(f"/room-{number}")
            await client.call("add", 1, 2)
            await client.call("add", "x")
    found = values_in(metrics.render())
    assert len([name for name in found if name.startswith("slysock_joins_total")]) == MAX_NAMESPACES + 1
    assert found['slysock_joins_total{namespace="/room-0"}'] == 1
    assert found['slysock_joins_total{namespace="other"}'] == 3
    assert found['slysock_events_total{event="add",namespace="other"}'] == 3
    assert found['slysock_delivery_seconds_count{namespace="other"}'] == 3
    assert found['slysock_errors_total{kind="InvalidPayload",namespace="other"}'] == 3


def test_a_program_adds_numbers_of_its_own() -> None:
    metrics = Metrics()
    Gauge("queue_length", "What waits", registry=metrics.registry).set(7)
    assert values_in(metrics.render())["queue_length"] == 7


async def test_refusals_are_counted_by_their_reasons_of_which_there_are_so_many() -> None:
    server = make_server()
    metrics = observed(server)
    async with serve_memory(server) as memory:
        await memory.request("GET", "/socket.io/?EIO=3&transport=polling")
        await memory.request("GET", "/socket.io/?EIO=4&transport=pigeon")
    found = values_in(metrics.render())
    assert found['slysock_refusals_total{reason="EIO"}'] == 1
    assert found['slysock_refusals_total{reason="transport"}'] == 1
    for number in range(2 * MAX_REASONS):
        metrics.refused(RefusalRecord(reason=str(number), detail=""))
    reasons = [name for name in values_in(metrics.render()) if name.startswith("slysock_refusals_total")]
    assert len(reasons) == MAX_REASONS + 1
    assert values_in(metrics.render())['slysock_refusals_total{reason="other"}'] == MAX_REASONS + 2


async def test_having_no_room_is_counted(autojump_clock: MockClock) -> None:
    server = make_server(Config(max_connections=1))
    metrics = observed(server)
    async with serve_memory(server) as memory:
        await memory.open_engine("polling")
        for _ in range(2):
            await memory.request("GET", "/socket.io/?EIO=4&transport=polling")
    assert values_in(metrics.render())['slysock_refusals_total{reason="capacity"}'] == 2
