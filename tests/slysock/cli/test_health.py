"""What `/readyz` of the command depends on."""

from pathlib import Path

import jwt
import pytest
from trio.testing import MockClock

from slysock.asgi import HealthCheck, Unfit
from slysock.cli.health import FULL, LOST, health_checks
from slysock.identity import FetchFailed, KeySource, RemoteKeys, TokenError, Tokens, secret_key
from slysock_store import open_store
from tests.slysock.identity.private_keys import EC_KEY

KEYS = secret_key("s" * 32)


async def state_of(checks: list[HealthCheck]) -> dict[tuple[str, bool], bool | str]:
    """Ask each: (name, shared) -> whether it is there, or why not."""
    found = dict[tuple[str, bool], bool | str]()
    for check in checks:
        try:
            found[check.name, check.shared] = await check.look()
        except Unfit as reason:
            found[check.name, check.shared] = str(reason)
        except Exception:
            found[check.name, check.shared] = False
    return found


async def test_a_database_file_that_is_lost_is_this_nodes_own_trouble_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{file}") as store:
        checks = [*health_checks(store, Tokens(KEYS))]
        well = {("keys", True): True, ("store", False): True, ("disk", False): True}
        assert await state_of(checks) == well
        file.rename(tmp_path / "moved.db")
        assert await state_of(checks) == {**well, ("store", False): LOST}
        file.touch()  # another file of that name is not what the connection writes to
        assert await state_of(checks) == {**well, ("store", False): LOST}
        (tmp_path / "moved.db").replace(file)
        assert await state_of(checks) == well


async def test_a_file_that_cannot_be_read_is_this_nodes_own_trouble(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        checks = [*health_checks(store, Tokens(KEYS))]
    assert (await state_of(checks))["store", False] is False


@pytest.mark.parametrize(("reserve", "state"), [(0, True), (2**60, FULL)])
async def test_a_disk_that_is_full_is_this_nodes_own_trouble_and_says_so(
    reserve: int, state: bool | str, tmp_path: Path
) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db", min_free_bytes=reserve) as store:
        checks = [*health_checks(store, Tokens(KEYS))]
        assert (await state_of(checks))["disk", False] == state


async def test_a_database_elsewhere_is_everybodys() -> None:
    async with open_store("sqlite://") as store:
        checks = [*health_checks(store, Tokens(KEYS))]
        assert await state_of(checks) == {("keys", True): True, ("store", True): True}
    assert (await state_of(checks))["store", True] is False


async def test_keys_at_a_url_are_everybodys(autojump_clock: MockClock) -> None:
    async def fail(url: str) -> bytes:
        raise FetchFailed(url)

    keys: KeySource = RemoteKeys("https://keys.example", fetch=fail)
    async with open_store("sqlite://") as store:
        tokens = Tokens(keys)
        checks = [*health_checks(store, tokens)]
        assert (await state_of(checks))["keys", True]
        with pytest.raises(TokenError):
            await tokens.verify(jwt.encode({"sub": "7"}, EC_KEY, algorithm="ES256"))
        assert not (await state_of(checks))["keys", True]
        tokens.keys = KEYS
        assert (await state_of(checks))["keys", True]
