"""What people are shown of a store's address."""

import pytest

from slysock.cli.opening import without_password


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
