"""What `/readyz` of the command depends on."""

import shutil
from collections import namedtuple
from pathlib import Path

import jwt
import pytest
from trio.testing import MockClock

from slysock.asgi import HealthCheck
from slysock.cli.health import MIN_FREE_BYTES, health_checks
from slysock.identity import FetchFailed, KeySource, RemoteKeys, TokenError, Tokens, secret_key
from slysock_store import open_store
from tests.slysock.identity.private_keys import EC_KEY

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - the shape of shutil.disk_usage's
KEYS = secret_key("s" * 32)


async def state_of(checks: list[HealthCheck]) -> dict[tuple[str, bool], bool]:
    """Ask each: (name, shared) -> whether it is there."""
    found = dict[tuple[str, bool], bool]()
    for check in checks:
        try:
            found[check.name, check.shared] = await check.look()
        except Exception:
            found[check.name, check.shared] = False
    return found


async def test_a_database_file_that_is_lost_is_this_nodes_own_trouble(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    url = f"sqlite:///{file}"
    async with open_store(url) as store:
        checks = [*health_checks(store, url, Tokens(KEYS))]
        well = {("keys", True): True, ("store", False): True, ("disk", False): True}
        assert await state_of(checks) == well
        file.rename(tmp_path / "moved.db")
        assert await state_of(checks) == {**well, ("store", False): False}
        file.touch()  # another file of that name is not what the connection writes to
        assert await state_of(checks) == {**well, ("store", False): False}


@pytest.mark.parametrize(("free", "has_room"), [(MIN_FREE_BYTES, True), (MIN_FREE_BYTES - 1, False)])
async def test_a_disk_that_is_full_is_this_nodes_own_trouble(
    free: int, has_room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with open_store(url) as store:
        checks = [*health_checks(store, url, Tokens(KEYS))]
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))
        assert (await state_of(checks))["disk", False] is has_room


async def test_a_database_elsewhere_is_everybodys() -> None:
    async with open_store("sqlite://") as store:
        checks = [*health_checks(store, "mongodb://db.example/chat", Tokens(KEYS))]
        assert await state_of(checks) == {("keys", True): True, ("store", True): True}
    assert (await state_of(checks))["store", True] is False


async def test_keys_at_a_url_are_everybodys(autojump_clock: MockClock) -> None:
    async def fail(url: str) -> bytes:
        raise FetchFailed(url)

    keys: KeySource = RemoteKeys("https://keys.example", fetch=fail)
    async with open_store("sqlite://") as store:
        tokens = Tokens(keys)
        checks = [*health_checks(store, "sqlite://", tokens)]
        assert (await state_of(checks))["keys", True]
        with pytest.raises(TokenError):
            await tokens.verify(jwt.encode({"sub": "7"}, EC_KEY, algorithm="ES256"))
        assert not (await state_of(checks))["keys", True]
        tokens.keys = KEYS
        assert (await state_of(checks))["keys", True]
