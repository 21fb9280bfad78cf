"""The schema: every statement of the backend is answered by an index, and a database comes to it from any version."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from slysock_store import SchemaTooNew, open_store
from slysock_store.sqlite import changing, chats, messages, notifications, receipts, references, sending, users
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.schema import APPLICATION_ID, MIGRATIONS, migrate
from tests.store.opening import fails

MODULES: tuple[ModuleType, ...] = (changing, chats, messages, notifications, receipts, references, sending, users)


STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    connection = connect(":memory:")
    migrate(connection, "memory")
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
        (receipts.SELECT_UNREAD, "receipts_unread"),
        (receipts.UPDATE_ALL_READ, "receipts_unread"),
        (receipts.UPDATE_DELIVERED_IN_CHAT, "receipts_unread"),
        (receipts.SELECT_UNDELIVERED, "receipts_undelivered"),
        (receipts.SELECT_COUNT_UNDELIVERED, "receipts_undelivered"),
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
        receipts.SELECT_UNDELIVERED,
        notifications.SELECT_NOTIFICATIONS,
        notifications.SELECT_UNREAD,
    ],
)
def test_long_lists_come_sorted_from_their_index(connection: sqlite3.Connection, statement: str) -> None:
    assert not any("TEMP B-TREE" in step for step in plan_of(connection, statement))


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    connection.close()
    assert "another program" in str(await fails(f"sqlite:///{path}"))


async def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    connection = connect(str(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    error = await fails(f"sqlite:///{path}")
    assert isinstance(error, SchemaTooNew)
    assert (error.found, error.supported) == (99, len(MIGRATIONS))
    assert "schema version 99" in str(error)
    connection = connect(str(path))
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_migrations_run_forward_from_where_the_database_is() -> None:
    connection = connect(":memory:")
    first = ("CREATE TABLE a (x)",)
    second = ("ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)")
    migrate(connection, "memory", (first,))
    migrate(connection, "memory", (first, second))
    migrate(connection, "memory", (first, second))
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("SELECT x, y FROM a").fetchall() == []
    connection.close()


def test_a_failing_migration_changes_nothing() -> None:
    connection = connect(":memory:")
    first = ("CREATE TABLE a (x)",)
    migrate(connection, "memory", (first,))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "memory", (first, ("CREATE TABLE b (x)", "NO SUCH STATEMENT")))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
    connection.close()


def test_a_failure_after_sqlite_has_rolled_back_is_told_as_it_is() -> None:
    with closing(connect(":memory:")) as memory:
        with pytest.raises(sqlite3.OperationalError, match="NO"):
            migrate(memory, "memory", (("ROLLBACK", "NO SUCH STATEMENT"),))
        assert memory.execute("PRAGMA user_version").fetchone() == (0,)
