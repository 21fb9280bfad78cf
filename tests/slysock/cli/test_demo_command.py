"""The demo: what it fills, twice, and how it says that it cannot."""

from pathlib import Path

import pytest

from slysock.cli.demo_command import DemoSettings, fill
from slysock.cli.settings import TokenSettings
from slysock.systems import SYSTEMS
from slysock_store import SystemName, open_store
from tests.slysock.cli.running import run_main, serving

SECRET = "a secret of tests, which is longer than 32 bytes"


def settings(folder: Path, **more: str) -> DemoSettings:
    tokens = TokenSettings(store=f"sqlite:///{folder}/chat.db", jwt_secret=SECRET, **more)
    return DemoSettings(tokens=tokens, systems=tuple(SYSTEMS), path="/socket.io/", url=None)


@pytest.mark.port
async def test_it_fills_every_system_and_a_second_time_changes_no_message(tmp_path: Path) -> None:
    demo = settings(tmp_path, jwt_audience="shop", jwt_issuer="login")
    lines = await fill(demo)
    assert set(lines) == set(SYSTEMS)
    assert await fill(demo) == lines
    async with open_store(demo.tokens.store) as store:
        for name in SYSTEMS:
            system = SystemName(name)
            chats = (await store.list_chats(system)).items
            assert chats, name
            people = {user for chat in chats for user in chat.participants}
            assert set(await store.get_users(system, tuple(people))) == people, name
            counts = [chat.message_count for chat in chats]
            assert max(counts) in {2, 3}, f"{name}: {counts}"


@pytest.mark.port
def test_a_server_that_runs_is_filled_at_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    with serving("--port", "0", "--store", store, "--jwt-secret", SECRET) as (_, lines):
        url = next(line.split()[1] for line in lines if "address" in line)
        assert run_main("demo", "--url", url, "--jwt-secret", SECRET) == 0
    assert "CUSTOMER 1 and VENDOR 5 talk about product 12345" in capsys.readouterr().out


@pytest.mark.port
def test_a_server_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("demo", "--url", "http://127.0.0.1:1", "--jwt-secret", SECRET) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("slysock: no answer from http://127.0.0.1:1")
    assert complaint.count("\n") == 1


def test_a_server_that_verifies_by_public_keys_cannot_be_filled(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("demo", "--jwt-jwks-url", "https://login.example/jwks.json") == 2
    assert "needs a server that verifies them with a secret" in capsys.readouterr().err
