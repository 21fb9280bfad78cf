"""Work that is run or explained, and what people are shown of a store's address."""

import pytest
import trio

from slysock.cli.opening import run, without_password
from slysock.cli.settings import SettingsError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "mongodb://anna:s3cret@db.example:27017/chat?replicaSet=rs0",
            "mongodb://anna:***@db.example:27017/chat?replicaSet=rs0",
        ),
        ("mongodb://anna:p%40:ss@one,two/chat", "mongodb://anna:***@one,two/chat"),
        ("mongodb://anna@one/chat", "mongodb://anna@one/chat"),
        ("mongodb://127.0.0.1:27017/chat", "mongodb://127.0.0.1:27017/chat"),
        ("sqlite:///var/slysock.db", "sqlite:///var/slysock.db"),
        ("sqlite:////srv/a:b@c/chat.db", "sqlite:////srv/a:b@c/chat.db"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


async def fail(error: Exception) -> None:
    async with trio.open_nursery(), trio.open_nursery():
        raise error


def test_an_expected_error_comes_out_of_its_groups() -> None:
    with pytest.raises(SettingsError, match="why"):
        run(fail, SettingsError("why"))
    with pytest.raises(LookupError, match="why"):
        run(fail, LookupError("why"), expected=(SettingsError, LookupError))


def test_an_unexpected_error_keeps_its_groups_as_where_it_was_raised_is_told() -> None:
    with pytest.raises(ExceptionGroup):
        run(fail, ValueError("a bug"))


def test_what_the_work_returns_is_returned() -> None:
    async def work(number: int) -> int:
        return number + 1

    assert run(work, 1) == 2
