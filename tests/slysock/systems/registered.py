"""The systems that have a name, and what they declare: tests that walk them all take their tables from here."""

from collections.abc import Iterator

import msgspec
import trio
from litestar.routes import HTTPRoute
from msgspec import inspect as types

from slysock.cli.loading import describe_systems, load_makers
from slysock.systems import SYSTEMS
from slysock.systems.rest import RestArea
from slysock.systems.system import System

MAKERS = load_makers(SYSTEMS)

DECLARED = trio.run(describe_systems, tuple(SYSTEMS))
"""What each system says of itself; none of them can be served."""


def payloads_of(system: System) -> Iterator[object]:
    """Yield the types of what a system takes: from clients by events and requests, from another back-end."""
    for router in system.routers:
        for event in router.describe():
            yield from event.arguments
    for resource in system.manage.resources:
        yield resource.payload
    if system.manage.notifications is not None:
        yield system.manage.notifications.payload
    for area in system.rest:
        yield from _bodies_in(area)


def _bodies_in(area: RestArea) -> Iterator[object]:
    for route in area.router.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                body = handler.parsed_fn_signature.parameters.get("data")
                if body is not None:
                    yield body.annotation


def structs_in(declared: types.Type) -> Iterator[types.StructType]:
    """Yield the structs that a type is, or may be."""
    for member in members_of(declared):
        if isinstance(member, types.StructType):
            yield member


def members_of(declared: types.Type) -> tuple[types.Type, ...]:
    """List what a value may be."""
    return declared.types if isinstance(declared, types.UnionType) else (declared,)


def example_of(declared: types.Type) -> object:
    """Make up a value, as small as it may be."""
    match declared:
        case types.Metadata(type=inner):
            return example_of(inner)
        case types.UnionType(types=members):
            return example_of(members[0])
        case types.IntType() | types.FloatType():
            return 1
        case types.BoolType():
            return True
        case types.ListType() | types.VarTupleType():
            return []
        case types.LiteralType(values=values):
            return values[0]
        case types.StructType(fields=fields):
            return {field.encode_name: example_of(field.type) for field in fields if field.required}
        case _:
            return "x"


PAYLOADS: tuple[type[msgspec.Struct], ...] = tuple(
    dict.fromkeys(
        struct.cls
        for system in DECLARED
        for payload in payloads_of(system)
        for struct in structs_in(types.type_info(payload))
    )
)
"""Every struct that some system takes."""
