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
from slysock.systems import SYSTEMS, Assembly, assemble, make_foundation
from slysock.testing import Memory, MemoryClient, serve_memory
from slysock_store import Store, open_store
from tests.slysock.systems.market import SECRET, at, now, store_now, token_for

INJECTION: Final = {"$gt": ""}

FREE_FIELDS: Final = {
    "/manage/marketplace/notifications": {"content"},
    "/manage/services/notifications": {"content"},
    "/manage/marketplace/products/{record_id}": {"attributes", "additionalInfo", "metaData"},
    **{f"/manage/{system}/users/{{record_id}}": {"store"} for system in SYSTEMS},
}
"""Objects belong there; they are stored as data and never asked by."""


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
        assembly = assemble([make(foundation) for make in SYSTEMS.values()], foundation)
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
    """Give payloads with the injection in place of each field, and of the whole where it is a scalar."""
    for declared in description.arguments:
        for member in _members(types.type_info(declared)):
            if isinstance(member, types.StructType):
                yield from _structs(member)
            elif not isinstance(member, types.NoneType):
                yield INJECTION


def _members(declared: types.Type) -> tuple[types.Type, ...]:
    return declared.types if isinstance(declared, types.UnionType) else (declared,)


def _structs(struct: types.StructType) -> Iterator[object]:
    for injected in struct.fields:
        yield {
            field.encode_name: INJECTION if field is injected else _dummy(field.type)
            for field in struct.fields
            if field is injected or field.required
        }


def _dummy(declared: types.Type) -> object:
    match declared:
        case types.UnionType(types=members):
            return _dummy(members[0])
        case types.IntType() | types.FloatType():
            return 1
        case types.BoolType():
            return True
        case types.ListType() | types.VarTupleType():
            return []
        case types.LiteralType(values=values):
            return values[0]
        case types.StructType(fields=fields):
            return {field.encode_name: _dummy(field.type) for field in fields if field.required}
        case _:
            return "x"


async def clients(scene: Scene) -> dict[str, MemoryClient]:
    """Come into every namespace: as a vendor in the marketplace, as a client elsewhere."""
    vendor, client = {"token": token_for("7", "VENDOR")}, {"token": token_for("7", "client")}
    connection = await scene.memory.open_connection()
    names = ("/presence", "/chat", "/notification", "/", "/support")
    return {name: await connection.join(name, client if name in ("/", "/support") else vendor) for name in names}


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
            for field, body in bodies_of(document, operation):
                if field in FREE_FIELDS.get(path, ()):
                    continue
                address = re.sub(r"{[^}]*}", "7", path)
                for role in ("service", "client"):
                    status = await scene.request(method.upper(), address, body, role)
                    assert 400 <= status < 500, (method, path, body, status)
                    tried += 1
    assert tried > 40
    assert [call for call in scene.spied.calls if has_operator(call[1])] == []


def bodies_of(document: object, operation: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Give JSON bodies with the injection in place of each field."""
    content = cast("dict[str, object]", operation.get("requestBody", {})).get("content", {})
    media = cast("dict[str, dict[str, object]]", content).get("application/json")
    if media is None:
        return
    schema = resolved(document, media["schema"])
    fields = cast("dict[str, object]", schema.get("properties", {}))
    required = cast("list[str]", schema.get("required", []))
    for injected in fields:
        body = {
            name: INJECTION if name == injected else example(document, fields[name]) for name in {*required, injected}
        }
        yield injected, body


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
