"""What monitoring reads, and what is logged: numbers and names, no contents."""

import logging

import pytest
import trio

from slysock import Config
from slysock.systems import SYSTEMS
from slysock.systems.admission import user_in
from slysock.systems.marketplace import marketplace
from slysock.telemetry import AccessLog
from slysock_store import StoreClosed, SystemName, UserKey
from tests.slysock.systems.market import settle, token_for
from tests.slysock.systems.running import Running, open_systems


async def read_metrics(running: Running) -> dict[str, float]:
    """Read `/metrics`: name with labels -> value."""
    answer = await running.http("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def chat(running: Running, *texts: object) -> None:
    connection = await running.memory.open_connection()
    await connection.join("/presence", {"token": token_for(5, "VENDOR")})
    client = await connection.join("/chat", {"token": token_for(5, "VENDOR")})
    for text in texts:
        await client.call("sendMessage", {"productId": 1, "recipientId": 2, "text": text})


async def test_what_happens_is_counted() -> None:
    async with open_systems(marketplace) as running:
        await chat(running, "one", "two", " ", 7)
        found = await read_metrics(running)
    assert found["slysock_connections"] == 1
    assert found['slysock_clients{namespace="/chat"}'] == 1
    assert found['slysock_clients{namespace="/notification"}'] == 0
    assert found['slysock_messages_total{system="marketplace"}'] == 2
    assert found['slysock_chats_created_total{system="marketplace"}'] == 1
    assert found['slysock_events_total{event="sendMessage",namespace="/chat"}'] == 2
    assert found['slysock_delivery_seconds_count{namespace="/chat"}'] == 2
    assert found['slysock_errors_total{kind="Invalid",namespace="/chat"}'] == 1
    assert found['slysock_errors_total{kind="InvalidPayload",namespace="/chat"}'] == 1
    assert found['slysock_store_seconds_count{operation="add_message"}'] == 2
    assert found["slysock_outbox_bytes"] >= 0
    assert found["slysock_slow_consumers_total"] == 0


async def test_a_retry_is_no_second_message() -> None:
    async with open_systems(marketplace) as running:
        connection = await running.memory.open_connection()
        await connection.join("/presence", {"token": token_for(5, "VENDOR")})
        client = await connection.join("/chat", {"token": token_for(5, "VENDOR")})
        for _ in range(3):
            payload = {"productId": 1, "recipientId": 2, "text": "x", "clientMessageId": "m1"}
            await client.call("sendMessage", payload)
        assert (await read_metrics(running))['slysock_messages_total{system="marketplace"}'] == 1


async def test_the_ends_of_connections_and_slow_consumers_are_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with open_systems(marketplace, config=Config(max_outbox_bytes=20_000)) as running:
        connection = await running.memory.open_connection()
        await connection.join("/presence", {"token": token_for(5, "VENDOR")})
        connection.engine.pace.stall()
        namespace = running.memory.server.of("/presence")
        for _ in range(2000):
            namespace.emit("news", "x" * 1000)
        await settle()
        found = await read_metrics(running)
        assert found["slysock_slow_consumers_total"] == 1
        assert found['slysock_connections_closed_total{reason="slow consumer"}'] == 1


async def test_http_errors_are_counted_by_status() -> None:
    async with open_systems(marketplace) as running:
        await running.http("GET", "/nowhere")
        await running.http("PUT", "/manage/marketplace/users/5", body={"role": "VENDOR"})
        found = await read_metrics(running)
    assert found['slysock_http_errors_total{status="404"}'] == 1
    assert found['slysock_http_errors_total{status="401"}'] == 1


async def test_nothing_that_a_client_sends_becomes_a_label() -> None:
    async with open_systems(*SYSTEMS.values()) as running:
        await chat(running, "SECRETTEXT")
        client = await running.memory.connect("/chat", auth={"token": token_for(5, "VENDOR")})
        await client.emit("SECRETEVENT", "x")
        await running.http("GET", "/SECRETPATH")
        await settle()
        assert b"SECRET" not in (await running.http("GET", "/metrics")).body


async def test_a_store_out_of_order_is_counted() -> None:
    async with open_systems(marketplace) as running:
        store = running.assembly.foundation.store
        key = UserKey("VENDOR:5")
    with pytest.raises(StoreClosed):
        await store.get_user(SystemName("marketplace"), key)
    assert running.assembly.metrics is not None
    assert (
        b'slysock_store_errors_total{kind="StoreClosed",operation="get_user"} 1.0' in running.assembly.metrics.render()
    )


async def test_the_access_log_says_who_came_and_left_and_nothing_of_what_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "slysock.access")
    async with open_systems(marketplace) as running:
        running.memory.server.observe(AccessLog(user_in))
        await chat(running, "SECRETTEXT", {"$gt": "SECRETTEXT"})
    records = [record for record in caplog.records if record.name == "slysock.access"]
    told = [(record.getMessage(), getattr(record, "fields", {})) for record in records]
    assert [text for text, _ in told][:2] == ["client joined", "client joined"]
    handled = next(fields for text, fields in told if text == "event handled")
    assert {"namespace": "/chat", "user": 5, "event": "sendMessage"}.items() <= handled.items()
    assert any(text == "event failed" and fields["kind"] == "InvalidPayload" for text, fields in told)
    assert any(text == "client left" for text, _ in told)
    assert "SECRET" not in repr(told)
    assert "eyJ" not in repr(told)
