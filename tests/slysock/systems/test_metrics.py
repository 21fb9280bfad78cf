"""What systems add to the numbers and the log of their server."""

import logging
import shutil
from pathlib import Path

import pytest

from slysock.systems.admission import user_in
from slysock.systems.marketplace import marketplace
from slysock.systems.pets import pets
from slysock.systems.services import services
from slysock.systems.settings import SystemSettings
from slysock.telemetry import AccessLog
from slysock_store import StoreClosed, SystemName, UserKey
from tests.slysock.systems.market import settle, token_for
from tests.slysock.systems.registered import MAKERS
from tests.slysock.systems.running import Running, open_systems
from tests.slysock.telemetry.rendering import values_in


async def read_metrics(running: Running) -> dict[str, float]:
    """Read `/metrics`: name with labels -> value."""
    answer = await running.http("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return values_in(answer.body)


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
    assert found['slysock_errors_total{kind="Invalid",namespace="/chat"}'] == 1
    assert found['slysock_errors_total{kind="InvalidPayload",namespace="/chat"}'] == 1
    assert found['slysock_store_seconds_count{operation="add_message"}'] == 2


async def test_a_chat_that_another_back_end_makes_is_counted_once() -> None:
    async with open_systems(services) as running:
        for _ in range(2):
            body = {"clientId": "a", "providerId": "b"}
            await running.http("PUT", "/manage/services/chats/1", token=token_for("x", "service"), body=body)
        found = await read_metrics(running)
    assert found['slysock_chats_created_total{system="services"}'] == 1
    assert not any(name.startswith("slysock_messages_total") for name in found)


async def test_a_retry_is_no_second_message() -> None:
    async with open_systems(marketplace) as running:
        connection = await running.memory.open_connection()
        await connection.join("/presence", {"token": token_for(5, "VENDOR")})
        client = await connection.join("/chat", {"token": token_for(5, "VENDOR")})
        for _ in range(3):
            payload = {"productId": 1, "recipientId": 2, "text": "x", "clientMessageId": "m1"}
            await client.call("sendMessage", payload)
        assert (await read_metrics(running))['slysock_messages_total{system="marketplace"}'] == 1


async def test_http_errors_are_counted_by_status() -> None:
    async with open_systems(marketplace) as running:
        await running.http("GET", "/nowhere")
        await running.http("PUT", "/manage/marketplace/users/5", body={"role": "VENDOR"})
        found = await read_metrics(running)
    assert found['slysock_http_errors_total{status="404"}'] == 1
    assert found['slysock_http_errors_total{status="401"}'] == 1


async def test_nothing_that_a_client_sends_becomes_a_label() -> None:
    async with open_systems(*MAKERS.values()) as running:
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
    rendered = await running.assembly.metrics.render()
    assert b'slysock_store_errors_total{kind="StoreClosed",operation="get_user"} 1.0' in rendered


async def test_room_is_shown_where_there_is_a_disk(tmp_path: Path) -> None:
    settings = SystemSettings(media_path=tmp_path / "media")
    async with open_systems(pets, url=f"sqlite:///{tmp_path}/chat.db", settings=settings) as running:
        found = await read_metrics(running)
        free = shutil.disk_usage(tmp_path).free
        for name in ("slysock_store_free_bytes", "slysock_media_free_bytes"):
            assert abs(found[name] - free) < 100_000_000
        assert found["slysock_store_log_bytes"] == (tmp_path / "chat.db-wal").stat().st_size
    async with open_systems(marketplace) as running:
        assert not any(name.endswith(("free_bytes", "log_bytes")) for name in await read_metrics(running))


async def test_the_access_log_names_the_user_of_a_token_and_not_what_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "slysock.access")
    async with open_systems(marketplace) as running:
        running.memory.server.observe(AccessLog(user_in))
        await running.memory.connect("/chat")  # shown out: nobody
        await chat(running, "SECRETTEXT", {"$gt": "SECRETTEXT"})
    fields = [vars(record)["fields"] for record in caplog.records if record.name == "slysock.access"]
    assert "user" not in fields[0]
    handled = next(each for each in fields if "milliseconds" in each)
    assert {"namespace": "/chat", "user": 5, "event": "sendMessage"}.items() <= handled.items()
    assert "SECRET" not in repr(fields)
    assert "eyJ" not in repr(fields)
