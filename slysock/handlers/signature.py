"""What a handler's parameters say about an event's arguments.

Checked when the handler is registered, so that a wrong one is found at start-up; then every message is decoded straight
into the declared types. The first parameter is the socket. A parameter without annotation, or annotated `object`, takes
anything. A default makes a parameter optional, `*args` takes the rest; without it, more arguments than parameters do
not fit. Null takes the default, too, because JavaScript sends it for `undefined`; unless the annotation names None, as
`int | None` does. A parameter of type `bytes` takes an attachment, and also base64 text, from clients that cannot send
binary.
"""

import inspect
import re
from collections.abc import Iterator
from types import GenericAlias
from typing import Final, Literal, TypeAlias, cast, final, get_type_hints

import msgspec
from msgspec import inspect as types

from slysock.errors import InvalidPayload
from slysock.handlers.functions import Function, annotated, name_of, parameters_of
from slysock_protocol import jsonio
from slysock_protocol.socketio import Body, decode_array

Kind: TypeAlias = Literal["null", "boolean", "number", "string", "array", "object", "binary"]

ALL_KINDS: Final = frozenset[Kind]({"null", "boolean", "number", "string", "array", "object", "binary"})

_NULL_KIND: Final = frozenset[Kind]({"null"})

_Arguments: TypeAlias = tuple[object, ...] | msgspec.Struct
"""A decoded event: a tuple where all arguments must come, the quicker of the two."""

_PLACE: Final = re.compile(r" - at (?P<key>`key` in )?`\$\[(?P<index>\d+)\](?P<path>.*)`")
"""Where msgspec puts the place of what does not fit: `$` is the array that it was given."""

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def kind_of(value: object) -> Kind:
    """Name the JSON kind of a decoded argument."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case bytes():
            return "binary"
        case dict():
            return "object"
        case _:
            return "array"


@final
class Signature:
    """The parameters of one handler behind its first `leading` ones, and how to fill them.

    Attributes:
        types: of the parameters, in order; `*args` is not among them.
        required: how many of them have no default.
        rest_type: of `*args`; None without.
        return_type: as annotated; `object` without an annotation, None for None.

    Raises:
        TypeError: the handler cannot be called with the arguments of an event.
    """

    def __init__(self, handler: Function, *, leading: int = 1) -> None:
        self.name = name_of(handler)
        parameters = self._parameters(handler, leading)
        hints = self._hints(handler)
        fixed = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
        rest = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_POSITIONAL]
        self.types = [hints.get(parameter.name, object) for parameter in fixed]
        self.required = sum(parameter.default is inspect.Parameter.empty for parameter in fixed)
        # Index of an optional parameter -> what it is when null comes; not of those whose annotation names None.
        self._defaults: dict[int, object] = {
            index: fixed[index].default
            for index in range(self.required, len(fixed))
            if not _names_null(types.type_info(self.types[index]))
        }
        self.rest_type = hints.get(rest[0].name, object) if rest else None
        self.return_type = _annotated_result(hints)
        self._takes_anything = not self.types and self.rest_type is object
        self._arguments = self._make_type()
        self._rest_arguments = cast("type[list[object]]", GenericAlias(list, (self.rest_type,)))
        self._decoder = self._make_decoder()
        self._refuse_foreign_types()

    def _parameters(self, handler: Function, leading: int) -> list[inspect.Parameter]:
        parameters = list(parameters_of(handler).parameters.values())
        if sum(parameter.kind in _POSITIONAL for parameter in parameters[:leading]) < leading:
            raise TypeError(f"{self.name} must take the socket as its first parameter")
        for parameter in parameters[leading:]:
            if parameter.kind is inspect.Parameter.VAR_KEYWORD or (
                parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty
            ):
                raise TypeError(f"{self.name}: an event has no value for the parameter {parameter.name!r}")
        return parameters[leading:]

    def _hints(self, handler: Function) -> dict[str, object]:
        try:
            return get_type_hints(annotated(handler), include_extras=True)
        except NameError as error:
            raise TypeError(f"{self.name}: an annotation cannot be read at run time: {error}") from error

    def _make_type(self) -> "type[_Arguments]":
        """Make the type of the whole event, `[name, *arguments]`; what is optional may be missing at the end."""
        if self.rest_type is None and self.required == len(self.types):
            return cast("type[_Arguments]", GenericAlias(tuple, (object, *self.types)))
        fields: list[tuple[str, object] | tuple[str, object, object]] = [("event", object)]
        for index, kind in enumerate(self.types):
            if index < self.required:
                fields.append((f"p{index}", kind))
            else:
                nullable = kind | _NULL if index in self._defaults else kind
                fields.append((f"p{index}", nullable | _UNSET, msgspec.UNSET))
        return msgspec.defstruct("Arguments", fields, array_like=True, forbid_unknown_fields=self.rest_type is None)

    def _make_decoder(self) -> "msgspec.json.Decoder[_Arguments]":
        try:
            return msgspec.json.Decoder(self._arguments)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from error

    def _refuse_foreign_types(self) -> None:
        """Refuse a class that messages cannot become; msgspec would only ask whether they are instances of it."""
        for declared in (*self.types, self.rest_type):
            for part in _parts(types.type_info(declared)):
                if isinstance(part, types.CustomType) and part.cls is not object:
                    raise TypeError(f"{self.name}: an event has no value of the type {part.cls!r}")

    def bind(self, body: Body) -> tuple[object, ...]:
        """Turn the body of an event into the arguments behind the leading ones.

        Raises:
            InvalidPayload: they do not fit.
            RemoteProtocolError: it is not the body of an event.
        """
        try:
            if isinstance(body, bytes) and self.rest_type is None:
                arguments = jsonio.decode_as(self._decoder, body)
                return arguments[1:] if isinstance(arguments, tuple) else self._values(arguments)
            return self._bind_items(decode_array(body))
        except msgspec.ValidationError as error:
            raise self._misfit(decode_array(body), error) from None

    def _bind_items(self, items: list[object]) -> tuple[object, ...]:
        if self._takes_anything:
            return tuple(items[1:])
        values = self._values(msgspec.convert(items, self._arguments, str_keys=True))
        rest = items[1 + len(self.types) :]
        if self.rest_type is None or not rest:
            return values
        try:
            return values + tuple(msgspec.convert(rest, self._rest_arguments, str_keys=True))
        except msgspec.ValidationError as error:
            raise self._misfit(items, error, before=1 + len(self.types)) from None

    def _values(self, arguments: _Arguments) -> tuple[object, ...]:
        """Take the arguments out, without the event's name and up to the first that did not come."""
        if isinstance(arguments, tuple):
            return arguments[1:]
        values = msgspec.structs.astuple(arguments)[1:]
        if values and values[-1] is msgspec.UNSET:
            values = values[: values.index(msgspec.UNSET)]
        for index, default in self._defaults.items():
            if index < len(values) and values[index] is None:
                values = (*values[:index], default, *values[index + 1 :])
        return values

    def _misfit(self, items: list[object], error: msgspec.ValidationError, *, before: int = 0) -> InvalidPayload:
        """Say for people what does not fit: how many there are, or which, counted from behind the name of the event.

        Args:
            items: the event.
            error: what msgspec says.
            before: how many items come before those that it was given.
        """
        count = len(items) - 1
        if not self._takes(count):
            return InvalidPayload(f"expected {self._expected_count()}, got {count}", place="the number of arguments")
        text, place = str(error), "an argument"
        found = _PLACE.search(text)
        if found is not None:
            place = _place_of(found, before)
            text = text[: found.start()] + text[found.end() :]
        if text.startswith(_SENTENCES):
            text = text[0].lower() + text[1:]
        return InvalidPayload(f"{place}: {text}", place=place)

    def _takes(self, count: int) -> bool:
        return self.required <= count and (self.rest_type is not None or count <= len(self.types))

    def _expected_count(self) -> str:
        most = len(self.types)
        if self.rest_type is not None:
            return f"at least {_counted(self.required)}"
        return _counted(most) if self.required == most else f"{self.required} to {_counted(most)}"

    def accepts(self, kinds: list[Kind]) -> bool:
        """Tell whether arguments of these kinds may be meant for this handler; only their content can tell more."""
        return self._takes(len(kinds)) and all(kind in self._kinds_at(index) for index, kind in enumerate(kinds))

    def _kinds_at(self, index: int) -> frozenset[Kind]:
        """Say what kinds an argument may have that is taken at all."""
        declared = self.types[index] if index < len(self.types) else self.rest_type
        kinds = _kinds_of_annotation(declared)
        return kinds | _NULL_KIND if index in self._defaults else kinds

    def overlaps(self, other: "Signature") -> bool:
        """Tell whether some arguments could be meant for both handlers: the fewest that both take, if any."""
        fewest = max(self.required, other.required)
        return (
            self._takes(fewest)
            and other._takes(fewest)  # noqa: SLF001 - of the same class
            and all(self._kinds_at(index) & other._kinds_at(index) for index in range(fewest))  # noqa: SLF001 - as above
        )


_UNSET: Final = msgspec.UnsetType
_NULL: Final = type(None)
_SENTENCES: Final = ("Expected ", "Object ", "Invalid ")
"""How the sentences of msgspec begin; those of applications stay as they are."""


def _parts(declared: types.Type) -> Iterator[types.Type]:
    """Go through a type and all that it is made of, each once: types may hold themselves."""
    seen = set[int]()
    waiting: list[object] = [declared]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, types.Type | types.Field) and id(part) not in seen:
            seen.add(id(part))
            waiting += msgspec.structs.astuple(part)
            if isinstance(part, types.Type):
                yield part


def _counted(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _place_of(found: "re.Match[str]", before: int) -> str:
    """Write a place for people: `argument 1, field address.lines[0]`. Item 0 of an event is its name."""
    place = f"argument {int(found['index']) + before}"
    path = found["path"]
    if path:
        place += f", field {path[1:]}" if path.startswith(".") else f", item {path}"
    return f"{place}, a key" if found["key"] else place


def _annotated_result(hints: dict[str, object]) -> object:
    result = hints.get("return", object)
    return None if result is type(None) else result


_KINDS: Final[dict[type[types.Type], Kind]] = {
    types.StructType: "object",
    types.DictType: "object",
    types.DataclassType: "object",
    types.TypedDictType: "object",
    types.ListType: "array",
    types.VarTupleType: "array",
    types.TupleType: "array",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.NoneType: "null",
    types.StrType: "string",
}


def _names_null(declared: types.Type) -> bool:
    """Tell whether null is one of the values that a type was made for; where anything goes it is not."""
    match declared:
        case types.Metadata(type=inner):
            return _names_null(inner)
        case types.UnionType(types=members):
            return any(map(_names_null, members))
        case types.LiteralType(values=values):
            return None in values
        case _:
            return isinstance(declared, types.NoneType)


def _kinds_of_annotation(annotation: object) -> frozenset[Kind]:
    """Say which JSON kinds an annotation can take."""
    return _kinds_of(types.type_info(annotation))


def _kinds_of(declared: types.Type) -> frozenset[Kind]:
    """Say which JSON kinds a declared type can take; all where only the content can tell."""
    match declared:
        case types.Metadata(type=inner):
            return _kinds_of(inner)
        case types.UnionType(types=members):
            return frozenset[Kind]().union(*map(_kinds_of, members))
        case types.LiteralType(values=values):
            return frozenset[Kind](kind_of(value) for value in values)
        case types.StructType(array_like=True):
            return frozenset[Kind]({"array"})
        case types.BytesType():
            return frozenset[Kind]({"binary", "string"})
        case _:
            kind = _KINDS.get(type(declared))
            return ALL_KINDS if kind is None else frozenset[Kind]({kind})
