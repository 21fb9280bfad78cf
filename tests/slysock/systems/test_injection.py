"""An object where a scalar belongs never reaches the store, on any event or route of any system."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, cast

import msgspec
import pytest
import trio
from msgspec import inspect as types

from slysock import Server
from slysock.handlers.description import EventDescription
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import Assembly, assemble
from slysock.systems.foundation import make_foundation
from slysock.testing import Memory, MemoryClient, serve_memory
from slysock_store import Store, open_store
from tests.slysock.systems.market import SECRET, at, now, store_now, token_for
from tests.slysock.systems.registered import MAKERS, example_of, members_of

INJECTION: Final = {"$gt": ""}


class Spied:
    """Passes every call on to a store and keeps what it was called with."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> object:
        method = getattr(self.store, name)

        async def call(*args: object, **kwargs: object) -> object:
            self.calls.append((name, (args, kwargs)))
            return await method(*args, **kwargs)

        return method if name == "statistics" else call


def has_operator(value: object) -> bool:
    """Find an object with a key that a database might take for an operator, however deep."""
    if isinstance(value, msgspec.Struct):
        return any(has_operator(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return any(str(key).startswith("$") or has_operator(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(has_operator, value))
    return False


class Scene:
    """All systems on a store that is looked at."""

    def __init__(self, memory: Memory, spied: Spied, assembly: Assembly) -> None:
        self.memory = memory
        self.spied = spied
        self.assembly = assembly

    async def request(self, method: str, path: str, body: object, role: str) -> int:
        headers = [("authorization", f"Bearer {token_for('7', role)}"), ("content-type", "application/json")]
        answer = await self.memory.request(method, path, headers=headers, body=msgspec.json.encode(body))
        return answer.status

    async def document(self) -> object:
        answer: object = msgspec.json.decode((await self.memory.request("GET", "/openapi.json")).body)
        return answer


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_store("sqlite://", clock=store_now) as store, trio.open_nursery() as nursery:
        spied = Spied(store)
        foundation = make_foundation(cast("Store", spied), Tokens(secret_key(SECRET), clock=now))
        assembly = assemble([make(foundation) for make in MAKERS.values()], foundation)
        server = Server(*assembly.routers, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            yield Scene(memory, spied, assembly)
        nursery.cancel_scope.cancel()


def is_refusal(answer: object) -> bool:
    """Recognise the failures of all systems."""
    if not isinstance(answer, dict):
        return False
    return answer.get("error") is True or answer.get("success") is False or answer.get("status") == "error"


def payloads_of(description: EventDescription) -> Iterator[object]:
    """Yield payloads with the injection in place of each field, and of the whole where it is a scalar."""
    for declared in description.arguments:
        for member in members_of(types.type_info(declared)):
            if isinstance(member, types.StructType):
                yield from _structs(member)
            elif not isinstance(member, types.NoneType):
                yield INJECTION


def _structs(struct: types.StructType) -> Iterator[object]:
    for injected in struct.fields:
        yield {
            field.encode_name: INJECTION if field is injected else example_of(field.type)
            for field in struct.fields
            if field is injected or field.required
        }


async def clients(scene: Scene) -> dict[str, MemoryClient]:
    """Come into every namespace, in a role of the first system there."""
    connection = await scene.memory.open_connection()
    roles = {name: system.roles[0] for system in reversed(scene.assembly.systems) for name in system.namespaces}
    return {name: await connection.join(name, {"token": token_for("7", role)}) for name, role in roles.items()}


async def test_every_event_refuses_an_object_where_a_scalar_belongs(scene: Scene) -> None:
    there = await clients(scene)
    tried = 0
    for router in scene.assembly.routers:
        for description in router.describe():
            for payload in payloads_of(description):
                answer = await there[str(router.namespace)].call(description.event, payload)
                assert is_refusal(answer), (description.event, payload, answer)
                tried += 1
    assert tried > 50
    assert [call for call in scene.spied.calls if has_operator(call[1])] == []


async def test_every_route_refuses_an_object_where_a_scalar_belongs(scene: Scene) -> None:
    document = await scene.document()
    paths = cast("dict[str, dict[str, dict[str, object]]]", at(document, "paths"))
    tried = 0
    for path, methods in paths.items():
        for method, operation in methods.items():
            for body in bodies_of(document, operation):
                address = re.sub(r"{[^}]*}", "7", path)
                for role in ("service", "client"):
                    status = await scene.request(method.upper(), address, body, role)
                    assert 400 <= status < 500, (method, path, body, status)
                    tried += 1
    assert tried > 40
    assert [call for call in scene.spied.calls if has_operator(call[1])] == []


def bodies_of(document: object, operation: Mapping[str, object]) -> Iterator[object]:
    """Yield JSON bodies with the injection in place of each field that an object does not belong in."""
    content = cast("dict[str, object]", operation.get("requestBody", {})).get("content", {})
    media = cast("dict[str, dict[str, object]]", content).get("application/json")
    if media is None:
        return
    schema = resolved(document, media["schema"])
    fields = cast("dict[str, object]", schema.get("properties", {}))
    required = cast("list[str]", schema.get("required", []))
    for injected in fields:
        if not takes_any_object(fields[injected]):
            yield {
                name: INJECTION if name == injected else example(document, fields[name])
                for name in {*required, injected}
            }


def takes_any_object(schema: object) -> bool:
    """Tell whether an object belongs there whatever its keys: it is stored as data and never asked by."""
    found = cast("dict[str, object]", schema)
    options = cast("list[object]", found.get("oneOf") or found.get("anyOf") or [])
    if options:
        return any(map(takes_any_object, options))
    if "type" not in found:
        return not {"$ref", "enum", "const", "allOf"} & set(found)
    return found["type"] == "object" and "properties" not in found


def resolved(document: object, schema: object) -> dict[str, object]:
    found = cast("dict[str, object]", schema)
    options = cast("list[dict[str, object]]", found.get("oneOf") or found.get("anyOf") or [])
    if options and "$ref" not in found:
        found = next((option for option in options if "$ref" in option), options[0])
    reference = found.get("$ref")
    return found if reference is None else resolved(document, at(document, *str(reference)[2:].split("/")))


def example(document: object, schema: object) -> object:
    found = resolved(document, schema)
    if "enum" in found:
        return cast("list[object]", found["enum"])[0]
    kind = found.get("type")
    return {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}.get(str(kind), "x")
