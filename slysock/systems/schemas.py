"""JSON Schemas of payload types, with the documentation that their authors wrote into them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias, cast

import msgspec
from msgspec import inspect as types

from .field_docs import field_docs

Schema: TypeAlias = dict[str, object]

REF_TEMPLATE: Final = "#/components/schemas/{name}"
ANYTHING: Final = "Any JSON value"


def schemas_of(wanted: Sequence[object]) -> tuple[list[Schema], dict[str, Schema]]:
    """Make the schema of each type, and those that they refer to, by name.

    Raises:
        TypeError: a type that JSON cannot represent.
    """
    structs = list(dict.fromkeys(_structs_in(types.multi_type_info(wanted))))
    made = msgspec.json.schema_components([*wanted, *structs], schema_hook=_anything, ref_template=REF_TEMPLATE)
    schemas, components = cast("tuple[tuple[Schema, ...], dict[str, Schema]]", made)
    for struct, reference in zip(structs, schemas[len(wanted) :], strict=True):
        name = str(reference["$ref"]).rpartition("/")[2]
        _add_docs(components[name], struct)
    return list(schemas[: len(wanted)]), components


def _anything(kind: type) -> Schema:  # noqa: ARG001 - the shape of msgspec's hook
    """Describe a type that msgspec does not know, `object` above all: it may be anything."""
    return {"description": ANYTHING}


def _add_docs(schema: Schema, struct: type[msgspec.Struct]) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    fields = cast("dict[str, Schema]", properties)
    for name, text in field_docs(struct).items():
        if name in fields and fields[name].get("description", ANYTHING) == ANYTHING:
            fields[name] = _described(fields[name], text)


def _described(schema: Schema, text: str) -> Schema:
    """Add a description; older readers ignore everything beside a `$ref`, so the reference is wrapped."""
    return {"allOf": [schema], "description": text} if "$ref" in schema else {**schema, "description": text}


def _structs_in(declared: Iterable[types.Type]) -> Iterator[type[msgspec.Struct]]:
    """Yield every struct inside some types, each once."""
    seen: set[type[msgspec.Struct]] = set()
    waiting = list(declared)
    while waiting:
        match waiting.pop():
            case types.StructType(cls=struct, fields=fields) if struct not in seen:
                seen.add(struct)
                yield struct
                waiting += [field.type for field in fields]
            case types.UnionType(types=members):
                waiting += members
            case types.TupleType(item_types=members):
                waiting += members
            case types.ListType(item_type=item) | types.VarTupleType(item_type=item) | types.SetType(item_type=item):
                waiting.append(item)
            case types.DictType(key_type=key, value_type=value):
                waiting += [key, value]
            case types.Metadata(type=inner):
                waiting.append(inner)
            case _:
                pass
