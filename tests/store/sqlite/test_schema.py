"""The schema: every statement of the backend is answered by an index."""

import sqlite3
from types import ModuleType

import pytest

from slysock_store.sqlite import changing, chats, messages, notifications, pages, receipts, references, sending, users
from slysock_store.sqlite.connection import connect
from tests.store.sqlite_parts import prepare

MODULES: tuple[ModuleType, ...] = (
    *(changing, chats, messages, notifications, pages, receipts, references, sending, users),
)


STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    connection = connect(":memory:")
    prepare(connection)
    return connection


@pytest.fixture(scope="module", autouse=True)
def closed(connection: sqlite3.Connection) -> object:
    yield
    connection.close()


def plan_of(connection: sqlite3.Connection, statement: str) -> list[str]:
    names = dict.fromkeys(("at", "chat", "id", "kind", "limit", "now", "offset", "participant", "sequence"), "1")
    named = {**names, "status": "1", "system": "1", "user": "1"}
    parameters = named if ":" in statement else ["1"] * statement.count("?")
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def test_there_are_statements_of_every_kind() -> None:
    verbs = {statement.split()[0] for statement in STATEMENTS.values()}
    assert verbs == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert len(STATEMENTS) > 40


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_statement_scans_a_table(connection: sqlite3.Connection, name: str) -> None:
    plan = plan_of(connection, STATEMENTS[name])
    scans = [step for step in plan if "SCAN" in step and "json_each" not in step]
    assert scans == []


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (chats.SELECT_CHATS, "chats_by_activity"),
        (chats.SELECT_CHATS_OF_PARTICIPANT, "chats_of_participant"),
        (messages.SELECT_MESSAGE_BY_CLIENT_ID, "messages_by_client_id"),
        (receipts.SELECT_CHATS_WITH_UNDELIVERED, "chats_with_undelivered"),
        (receipts.SELECT_COUNT_UNDELIVERED, "chats_with_undelivered"),
        (notifications.SELECT_UNREAD, "notifications_unread"),
        (notifications.SELECT_COUNT_UNREAD, "notifications_unread"),
        (notifications.SELECT_UNDELIVERED, "notifications_undelivered"),
        (notifications.SELECT_NOTIFICATIONS, "notifications_of_user"),
        (users.SELECT_USERS_OF_ROLE, "users_by_role"),
    ],
)
def test_each_list_uses_the_index_made_for_it(connection: sqlite3.Connection, statement: str, index: str) -> None:
    assert any(index in step for step in plan_of(connection, statement))


@pytest.mark.parametrize(
    "statement",
    [
        chats.SELECT_CHATS,
        messages.SELECT_MESSAGES,
        messages.SELECT_KEPT_MESSAGES,
        receipts.SELECT_PLACED,
        notifications.SELECT_NOTIFICATIONS,
        notifications.SELECT_UNREAD,
    ],
)
def test_long_lists_come_sorted_from_their_index(connection: sqlite3.Connection, statement: str) -> None:
    assert not any("TEMP B-TREE" in step for step in plan_of(connection, statement))
