"""What a handler's parameters say about an event's arguments.

Checked when the handler is registered, so that a wrong one is found at start-up; then every message is decoded straight
into the declared types. The first parameter is the socket. A parameter without annotation, or annotated `object`, takes
anything. A default makes a parameter optional, `*args` takes the rest; without it, more arguments than parameters do
not fit. A parameter of type `bytes` takes an attachment, and also base64 text, from clients that cannot send binary.
"""

import inspect
from types import GenericAlias
from typing import Final, Literal, TypeAlias, cast, final, get_type_hints

import msgspec
from msgspec import inspect as types

from slysock.errors import InvalidPayload
from slysock.handlers.functions import Function, annotated, name_of
from slysock_protocol import jsonio
from slysock_protocol.socketio import Body, decode_array

Kind: TypeAlias = Literal["null", "boolean", "number", "string", "array", "object", "binary"]

ALL_KINDS: Final = frozenset[Kind]({"null", "boolean", "number", "string", "array", "object", "binary"})

_Arguments: TypeAlias = tuple[object, ...] | msgspec.Struct
"""A decoded event: a tuple where all arguments must come, the quicker of the two."""

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
        self.rest_type = hints.get(rest[0].name, object) if rest else None
        self.return_type = _annotated_result(hints)
        self._takes_anything = not self.types and self.rest_type is object
        self._arguments = self._make_type()
        self._decoder = self._make_decoder()
        self._refuse_foreign_types()

    def _parameters(self, handler: Function, leading: int) -> list[inspect.Parameter]:
        parameters = list(inspect.signature(handler).parameters.values())
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
                fields.append((f"p{index}", kind | _UNSET, msgspec.UNSET))
        return msgspec.defstruct("Arguments", fields, array_like=True, forbid_unknown_fields=self.rest_type is None)

    def _make_decoder(self) -> "msgspec.json.Decoder[_Arguments]":
        try:
            return msgspec.json.Decoder(self._arguments)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from error

    def _refuse_foreign_types(self) -> None:
        """Refuse a class that messages cannot become; msgspec would only ask whether they are instances of it."""
        for declared in (*self.types, self.rest_type):
            if declared is not object and isinstance(types.type_info(declared), types.CustomType):
                raise TypeError(f"{self.name}: an event has no value of the type {declared!r}")

    def bind(self, body: Body) -> tuple[object, ...]:
        """Turn the body of an event into the arguments behind the leading ones.

        Raises:
            InvalidPayload: they do not fit.
            RemoteProtocolError: it is not the body of an event.
        """
        try:
            if isinstance(body, bytes) and self.rest_type is None:
                arguments = jsonio.decode_as(self._decoder, body)
                return arguments[1:] if isinstance(arguments, tuple) else _values(arguments)
            return self._bind_items(decode_array(body))
        except msgspec.ValidationError as error:
            raise InvalidPayload(str(error)) from None

    def _bind_items(self, items: list[object]) -> tuple[object, ...]:
        if self._takes_anything:
            return tuple(items[1:])
        values = _values(msgspec.convert(items, self._arguments, str_keys=True))
        rest = items[1 + len(self.types) :]
        if self.rest_type is None or not rest:
            return values
        return values + tuple(msgspec.convert(item, self.rest_type, str_keys=True) for item in rest)

    def accepts(self, kinds: list[Kind]) -> bool:
        """Tell whether arguments of these kinds may be meant for this handler; only their content can tell more."""
        if len(kinds) < self.required or (self.rest_type is None and len(kinds) > len(self.types)):
            return False
        return all(
            kind in _kinds_of(types.type_info(declared)) for kind, declared in zip(kinds, self.types, strict=False)
        )

    def overlaps(self, other: "Signature") -> bool:
        """Tell whether some arguments could be meant for both handlers."""
        both = min(self.required, other.required)
        return all(
            _kinds_of(types.type_info(mine)) & _kinds_of(types.type_info(theirs))
            for mine, theirs in zip(self.types[:both], other.types[:both], strict=True)
        )


_UNSET: Final = msgspec.UnsetType


def _annotated_result(hints: dict[str, object]) -> object:
    result = hints.get("return", object)
    return None if result is type(None) else result


def _values(arguments: _Arguments) -> tuple[object, ...]:
    """Take the arguments out, without the event's name and up to the first that did not come."""
    if isinstance(arguments, tuple):
        return arguments[1:]
    values = msgspec.structs.astuple(arguments)[1:]
    if values and values[-1] is msgspec.UNSET:
        return values[: values.index(msgspec.UNSET)]
    return values


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
