"""Every command that the backend sends in the whole contract finds its documents by an index: the server is asked."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager

import pymongo
import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from slysock_store import Clock, Store
from slysock_store.mongo import open_database
from slysock_store.mongo.layout import INDEXES
from slysock_store.testing import CHECKS, DURABLE_CHECKS
from tests.store.conftest import empty
from tests.store.mongod import Mongod

pytestmark = pytest.mark.port

OF_THE_SESSION = (
    *("lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "writeConcern", "maxTimeMS"),
    *("$db", "$clusterTime", "$readPreference", "ordered", "bypassDocumentValidation", "comment"),
)


class Recorder(CommandListener):
    """Keeps one command of each shape: which collection, which fields, in which order."""

    def __init__(self) -> None:
        self.commands: dict[str, tuple[str, Mapping[str, object]]] = {}  # shape -> database, command

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"find", "aggregate", "update", "delete", "findAndModify", "count", "distinct"}:
            for command in self._single(dict(event.command)):
                self.commands.setdefault(f"{event.command_name} {shape(command)}", (event.database_name, command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to see."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to see."""

    @staticmethod
    def _single(command: dict[str, object]) -> Iterator[dict[str, object]]:
        plain = {name: value for name, value in command.items() if name not in OF_THE_SESSION}
        updates = plain.get("updates")
        if isinstance(updates, list):
            for update in updates:
                yield {**plain, "updates": [update]}
        else:
            yield plain


def shape(value: object) -> object:
    """Return the names without the values."""
    if isinstance(value, Mapping):
        return {key: shape(value[key]) for key in value if key not in {"q", "u"}} | {
            "filter": sorted(value["q"]) if "q" in value else None
        }
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return value if isinstance(value, str) and value in INDEXES else type(value).__name__


def stages(plan: object) -> Iterator[Mapping[str, object]]:
    """Yield every stage of a plan."""
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield plan
        for inner in plan.values():
            yield from stages(inner)
    elif isinstance(plan, list):
        for inner in plan:
            yield from stages(inner)


def winning(explained: object) -> Iterator[object]:
    """Yield the plans that were chosen; an aggregation has them inside."""
    if isinstance(explained, Mapping):
        if "winningPlan" in explained:
            yield explained["winningPlan"]
        else:
            for inner in explained.values():
                yield from winning(inner)
    elif isinstance(explained, list):
        for inner in explained:
            yield from winning(inner)


def indexes_used(
    client: "pymongo.MongoClient[dict[str, object]]", name: str, database: str, command: object
) -> set[str]:
    """Ask the server how it would do this; fail if it would read or sort more than an index gives."""
    explained = client[database].command("explain", command, verbosity="queryPlanner")
    found = [stage for plan in winning(explained) for stage in stages(plan)]
    names = {str(stage["stage"]) for stage in found}
    assert names, f"no plan in {explained}"
    assert not names & {"COLLSCAN", "SORT"}, f"{name}: {names}"
    return {str(stage["indexName"]) for stage in found if "indexName" in stage}


async def test_no_command_of_the_contract_scans_or_sorts(mongod: Mongod) -> None:
    recorder = Recorder()
    asked: set[str] = set()
    used: set[str] = set()

    def open_recorded(*, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_database(mongod.url("queries"), clock=clock, listeners=[recorder])

    with mongod.direct_client() as client:
        for check in CHECKS + DURABLE_CHECKS:
            empty(mongod, "queries")
            await check(open_recorded)
            # While the records of the check are there: the server tries plans on them before it chooses.
            for name in recorder.commands.keys() - asked:
                used |= indexes_used(client, name, *recorder.commands[name])
            asked |= recorder.commands.keys()
    assert len(asked) > 30
    assert used == {str(index.document["name"]) for indexes in INDEXES.values() for index in indexes} | {"_id_"} & used
