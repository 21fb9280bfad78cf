"""The AsyncAPI document: valid by the official schema, complete, and with the words of the source in it."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
import trio
from msgspec import Struct

from slysock import Router, Socket
from slysock.identity import Tokens, secret_key
from slysock.systems import SYSTEMS
from slysock.systems.asyncapi import asyncapi_document
from slysock.systems.emissions import Emits
from slysock.systems.foundation import make_foundation
from slysock.systems.system import System
from slysock_store import open_store
from tests.slysock.systems.market import SECRET, at
from tests.slysock.systems.registered import MAKERS
from tests.slysock.systems.running import json_of, open_systems

SCHEMA = Path(__file__).parents[2] / "clients" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"


class Hello(Struct, kw_only=True):
    """Say hello."""

    to: str
    """Whom."""

    again: "Hello | None" = None


class Welcome(Struct):
    """An answer."""

    by: list[Hello]


def toy() -> System:
    router = Router("/toy")

    @router.on("hello")
    async def hello(socket: Socket, payload: Hello) -> Welcome:
        """Greet somebody.

        More about it.
        """
        return Welcome([payload])

    @router.on("either")
    def by_text(socket: Socket, name: str) -> None:
        """Take a text."""

    @router.on("either")
    def by_object(socket: Socket, payload: Hello) -> None:
        """Take an object."""

    @router.on("several")
    def several(socket: Socket, number: int, text: str = "") -> None:
        """Take two."""

    @router.on("bare")
    def bare(socket: Socket) -> None:
        """Take nothing."""

    return System(
        name="toy",
        routers=(router,),
        run=trio.sleep_forever,
        emits=(
            Emits(namespace="/toy", event="greeted", payload=Hello, doc="To whom it concerns."),
            Emits(namespace="/toy", event="ping!", payload=None, doc="Now and then."),
        ),
    )


def complaints(document: object) -> list[str]:
    """Check a document by the official schema."""
    if not SCHEMA.exists():
        pytest.skip("the schema of AsyncAPI is not installed: run `make test` once")
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [f"{error.instance_path}: {error.message[:300]}" for error in validator.iter_errors(document)]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def assert_sound(document: dict[str, object]) -> None:
    plain = json.loads(json.dumps(document))
    assert complaints(plain) == []
    for reference in references(plain):
        at(plain, *reference.removeprefix("#/").split("/"))


def test_the_schema_finds_mistakes() -> None:
    document = json.loads(json.dumps(asyncapi_document([toy()])))
    document["operations"]["toy.receive.hello"]["action"] = "shout"
    assert complaints(document) != []


def test_events_in_both_directions_are_described() -> None:
    document = asyncapi_document([toy()])
    assert_sound(document)
    operation = at(document, "operations", "toy.receive.hello")
    assert at(operation, "action") == "receive"
    assert at(operation, "summary") == "Greet somebody."
    assert at(operation, "description") == "More about it."
    message = at(document, "components", "messages", "toy.receive.hello")
    assert at(message, "payload") == {"$ref": "#/components/schemas/Hello"}
    assert at(document, "components", "messages", "toy.receive.hello.ack", "payload", "$ref")
    assert at(document, "components", "schemas", "Hello", "description") == "Say hello."
    assert at(document, "components", "schemas", "Hello", "properties", "to", "description") == "Whom."
    assert at(document, "operations", "toy.send.greeted", "action") == "send"
    assert at(document, "components", "messages", "toy.send.ping-", "payload", "type") == "null"
    assert at(document, "channels", "toy", "address") == "/toy"


def test_handlers_of_one_event_are_described_each() -> None:
    document = asyncapi_document([toy()])
    summaries = [at(document, "operations", f"toy.receive.either{end}", "summary") for end in ("", ".2")]
    assert summaries == ["Take a text.", "Take an object."]


def test_several_arguments_are_an_array() -> None:
    payload = at(asyncapi_document([toy()]), "components", "messages", "toy.receive.several", "payload")
    assert payload == {
        "type": "array",
        "items": [{"type": "integer"}, {"type": "string"}],
        "minItems": 1,
        "maxItems": 2,
    }


@pytest.mark.parametrize("names", [*((name,) for name in SYSTEMS), tuple(SYSTEMS)], ids=",".join)
async def test_every_event_of_the_systems_is_documented_and_the_document_is_valid(names: tuple[str, ...]) -> None:
    async with open_store("sqlite://") as store:
        foundation = make_foundation(store, Tokens(secret_key(SECRET)))
        systems = [MAKERS[name](foundation) for name in names]
    document = asyncapi_document(systems)
    assert_sound(document)
    operations = at(document, "operations")
    assert isinstance(operations, dict)
    undocumented = [name for name, operation in operations.items() if not operation["summary"]]
    assert undocumented == []
    for system in systems:
        assert {emits.namespace for emits in system.emits} <= set(system.namespaces)
        for router in system.routers:
            events = {description.event for description in router.describe()}
            assert events <= {operation["title"] for operation in operations.values()}


async def test_it_is_served() -> None:
    async with open_systems(lambda _: toy()) as running:
        answer = await running.http("GET", "/asyncapi.json")
        assert answer.headers["content-type"].startswith("application/json")
        assert at(json_of(answer), "operations", "toy.send.greeted", "title") == "greeted"
