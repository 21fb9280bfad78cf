"""What parameters take, and what is refused when a handler is registered."""

import functools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, NewType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock import InvalidPayload, Router, Socket
from slysock.handlers.signature import ALL_KINDS, Kind, Signature, kind_of
from slysock_protocol import RemoteProtocolError, jsonio


class Point(msgspec.Struct, forbid_unknown_fields=True):
    x: int
    y: int = 0


class Row(msgspec.Struct, array_like=True):
    x: int


Name = NewType("Name", str)
MOMENT = datetime(2024, 1, 2, tzinfo=UTC)


def bound(handler: Callable[..., object], *args: object) -> tuple[object, ...]:
    """Bind by both roads, as text and decoded, which must agree."""
    body, attachments = jsonio.encode(["event", *args])
    signature = Signature(handler)
    decoded = signature.bind(["event", *args])
    if not attachments:
        assert signature.bind(body) == decoded
    return decoded


def plain(socket: Socket, a, b): ...  # type: ignore[no-untyped-def]  # the case under test
def objects(socket: Socket, a: object) -> None: ...
def number(socket: Socket, a: int) -> None: ...
def optional(socket: Socket, a: int, b: str = "b", c: bool | None = None) -> None: ...
def rest(socket: Socket, a: int, *more: str) -> None: ...
def anything(socket: Socket, *args: object) -> None: ...
def point(socket: Socket, p: Point) -> None: ...
def short(socket: Socket, a: Annotated[str, msgspec.Meta(max_length=3)] = "") -> None: ...
def literal(socket: Socket, a: Literal["on", "off"], b: Name = Name("")) -> None: ...
def binary(socket: Socket, a: bytes) -> None: ...
def optional_rest(socket: Socket, a: int = 1, *more: int) -> None: ...
def nothing(socket: Socket) -> None: ...
def unannotated_default(socket: Socket, a=20, b: object = "any"): ...  # type: ignore[no-untyped-def]  # under test
def moment(socket: Socket, a: datetime = MOMENT) -> None: ...
def nullable(
    socket: Socket,
    a: int | None = 1,
    b: Annotated[str | None, msgspec.Meta(title="b")] = "b",
    c: Literal["c"] | None = "c",
) -> None: ...
def keyword(socket: Socket, a: int, *, known: int = 1) -> None: ...
def keyed(socket: Socket, a: dict[int, str]) -> None: ...
def keyed_rest(socket: Socket, *a: dict[int, str]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "args", "expected"),
    [
        (plain, (1, {"a": None}), (1, {"a": None})),
        (objects, ([1],), ([1],)),
        (number, (1,), (1,)),
        (optional, (1,), (1,)),
        (optional, (1, "x"), (1, "x")),
        (optional, (1, "x", None), (1, "x", None)),
        (optional, (1, None), (1, "b")),
        (optional, (1, None, True), (1, "b", True)),
        (short, (None,), ("",)),
        (unannotated_default, (None,), (20,)),
        (unannotated_default, (None, None), (20, "any")),
        (moment, (None,), (MOMENT,)),
        (nullable, (None, None, None), (None, None, None)),
        (nullable, (None,), (None,)),
        (optional_rest, (None, 2), (1, 2)),
        (rest, (1,), (1,)),
        (rest, (1, "x", "y"), (1, "x", "y")),
        (anything, (), ()),
        (anything, (1, "x", None), (1, "x", None)),
        (point, ({"x": 1},), (Point(1),)),
        (short, ("abc",), ("abc",)),
        (short, (), ()),
        (literal, ("on", "n"), ("on", "n")),
        (binary, ("aGk=",), (b"hi",)),
        (binary, (b"hi",), (b"hi",)),
        (optional_rest, (), ()),
        (optional_rest, (1, 2, 3), (1, 2, 3)),
        (keyword, (1,), (1,)),
        (keyed, ({"1": "a"},), ({1: "a"},)),
        (keyed_rest, ({"1": "a"}, {"2": "b"}), ({1: "a"}, {2: "b"})),
    ],
)
def test_what_fits_is_bound(handler: Callable[..., object], args: tuple[object, ...], expected: object) -> None:
    assert bound(handler, *args) == expected


@pytest.mark.parametrize(
    ("handler", "args"),
    [
        (plain, (1,)),
        (plain, (1, 2, 3)),
        (number, ("1",)),
        (number, (1.5,)),
        (number, (True,)),
        (number, ()),
        (number, (1, 2)),
        (optional, ("x",)),
        (rest, (1, "x", 2)),
        (rest, ()),
        (point, ({"x": "1"},)),
        (point, ({"x": 1, "z": 1},)),
        (point, ([1],)),
        (short, ("abcd",)),
        (literal, ("secret",)),
        (binary, ("!",)),
        (optional_rest, (1, "x")),
    ],
)
def test_what_does_not_fit_is_invalid_by_both_roads(handler: Callable[..., object], args: tuple[object, ...]) -> None:
    signature = Signature(handler)
    with pytest.raises(InvalidPayload):
        signature.bind(jsonio.encode(["event", *args])[0])
    with pytest.raises(InvalidPayload):
        signature.bind(["event", *args])


def test_the_text_of_a_wrong_type_says_where_and_not_what_came() -> None:
    with pytest.raises(InvalidPayload) as caught:
        Signature(point).bind(b'["event",{"x":"a secret"}]')
    assert "int" in str(caught.value)
    assert "secret" not in str(caught.value)


class Letter(msgspec.Struct):
    lines: list[Point]
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if len(self.lines) > 2:
            raise ValueError("Too much to read")


def letter(socket: Socket, a: int, b: Letter) -> None: ...
def letters(socket: Socket, a: int, *more: Letter) -> None: ...
def table(socket: Socket, a: list[dict[int, str]]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "args", "text", "place"),
    [
        (nothing, (1,), "expected 0 arguments, got 1", "the number of arguments"),
        (number, (), "expected 1 argument, got 0", "the number of arguments"),
        (number, (1, 2), "expected 1 argument, got 2", "the number of arguments"),
        (number, ("x", 2), "expected 1 argument, got 2", "the number of arguments"),
        (plain, (1,), "expected 2 arguments, got 1", "the number of arguments"),
        (optional, (), "expected 1 to 3 arguments, got 0", "the number of arguments"),
        (optional, (1, "x", None, 4), "expected 1 to 3 arguments, got 4", "the number of arguments"),
        (rest, (), "expected at least 1 argument, got 0", "the number of arguments"),
        (number, ("x",), "argument 1: expected `int`, got `str`", "argument 1"),
        (optional, (1, 2), "argument 2: expected `str | null`, got `int`", "argument 2"),
        (rest, (1, "x", 2), "argument 3: expected `str`, got `int`", "argument 3"),
        (point, ({},), "argument 1: object missing required field `x`", "argument 1"),
        (point, ({"x": "1"},), "argument 1, field x: expected `int`, got `str`", "argument 1, field x"),
        (
            letter,
            (1, {"lines": [{"x": 1}, {"x": None}]}),
            "argument 2, field lines[1].x: expected `int`, got `null`",
            "argument 2, field lines[1].x",
        ),
        (
            letters,
            (1, {"lines": []}, {"lines": [1]}),
            "argument 3, field lines[0]: expected `object`, got `int`",
            "argument 3, field lines[0]",
        ),
        (letter, (1, {"lines": [{"x": 1}] * 3}), "argument 2: Too much to read", "argument 2"),
        (
            letter,
            (1, {"lines": [], "kind": "secret"}),
            "argument 2, field kind: invalid enum value 'secret'",
            "argument 2, field kind",
        ),
        (table, ([{"1": 2}],), "argument 1, item [0][...]: expected `str`, got `int`", "argument 1, item [0][...]"),
        (
            table,
            ([{"a": "b"}],),
            "argument 1, item [0], a key: expected `int`, got `str`",
            "argument 1, item [0], a key",
        ),
    ],
)
def test_what_does_not_fit_is_said_for_people_by_both_roads(
    handler: Callable[..., object], args: tuple[object, ...], text: str, place: str
) -> None:
    signature = Signature(handler)
    for body in (jsonio.encode(["event", *args])[0], ["event", *args]):
        with pytest.raises(InvalidPayload) as caught:
            signature.bind(body)
        assert (str(caught.value), caught.value.place) == (text, place)


@pytest.mark.parametrize("body", [b"", b"[", b'["event",1', b"\xff", b'["event",' + b"[" * 100_000])
@pytest.mark.parametrize("handler", [objects, anything])
def test_what_is_no_json_is_the_peers_fault(handler: Callable[..., object], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Signature(handler).bind(body)


@given(st.binary(max_size=60))
def test_any_body_is_bound_or_refused(body: bytes) -> None:
    for signature in SIGNATURES:
        with suppress(InvalidPayload, RemoteProtocolError):
            signature.bind(body)


SIGNATURES = [Signature(handler) for handler in (plain, optional, rest, anything, point)]


class Holding(msgspec.Struct):
    router: Router
    again: "Holding | None" = None


@dataclass
class HeldAgain:
    holding: Holding


class Tree(msgspec.Struct):
    value: object = None
    children: "list[Tree]" = []


def no_parameters() -> None: ...
def only_rest(*args: object) -> None: ...
def needs_keyword(socket: Socket, *, a: int) -> None: ...
def keywords(socket: Socket, **more: object) -> None: ...
def unreadable(socket: Socket, a: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - under test
def foreign(socket: Socket, a: Router) -> None: ...
def foreign_rest(socket: Socket, *a: Router) -> None: ...
def foreign_list(socket: Socket, a: list[Router]) -> None: ...
def foreign_dict(socket: Socket, a: dict[str, Router]) -> None: ...
def foreign_tuple(socket: Socket, a: tuple[int, Router]) -> None: ...
def foreign_tuples(socket: Socket, a: tuple[Router, ...]) -> None: ...
def foreign_set(socket: Socket, a: set[Router]) -> None: ...
def foreign_optional(socket: Socket, a: Router | None = None) -> None: ...
def foreign_inside(socket: Socket, a: Holding) -> None: ...
def foreign_deep_inside(socket: Socket, *a: dict[str, list[Annotated[HeldAgain, msgspec.Meta(title="a")]]]) -> None: ...
def ambiguous(socket: Socket, a: dict[str, int] | Point) -> None: ...
def unsupported(socket: Socket, a: Callable[[], int]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (no_parameters, "no_parameters must take the socket"),
        (only_rest, "only_rest must take the socket"),
        (needs_keyword, "no value for the parameter 'a'"),
        (keywords, "no value for the parameter 'more'"),
        (unreadable, "cannot be read"),
        (unsupported, "no value of the type"),
        (foreign, "no value of the type"),
        (foreign_rest, "no value of the type"),
        (foreign_list, "no value of the type"),
        (foreign_dict, "no value of the type"),
        (foreign_tuple, "no value of the type"),
        (foreign_tuples, "no value of the type"),
        (foreign_set, "no value of the type"),
        (foreign_optional, "no value of the type"),
        (foreign_inside, "no value of the type"),
        (foreign_deep_inside, "no value of the type"),
        (ambiguous, "more than one"),
    ],
)
def test_a_handler_that_no_event_can_fill_is_refused(handler: Callable[..., object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Signature(handler)


def test_types_that_hold_themselves_and_anything_are_taken() -> None:
    def handler(socket: Socket, tree: Tree, more: list[object], most: dict[str, list[object]]) -> None: ...

    body = b'["e",{"children":[{"value":[1]}]},[{}],{"a":[null]}]'
    assert Signature(handler).bind(body) == (Tree(None, [Tree([1])]), [{}], {"a": [None]})


def test_a_partial_takes_what_it_has_not_been_given() -> None:
    def handler(context: object, socket: Socket, number: int, text: str = "") -> None: ...

    signature = Signature(functools.partial(handler, object()))
    assert signature.bind(b'["event",1,"x"]') == (1, "x")
    with pytest.raises(InvalidPayload):
        signature.bind(b'["event","x"]')


def test_a_bound_method_is_a_handler() -> None:
    class Desk:
        def take(self, socket: Socket, a: int) -> None: ...

    assert Signature(Desk().take).bind(b'["event",1]') == (1,)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
        (b"", "binary"),
    ],
)
def test_kinds_of_values(value: object, kind: Kind) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("declared", "kinds"),
    [
        (int, {"number"}),
        (float, {"number"}),
        (bool, {"boolean"}),
        (None, {"null"}),
        (str, {"string"}),
        (bytes, {"binary", "string"}),
        (Literal["a", 1] | None, {"string", "number", "null"}),
        (int | str | None, {"number", "string", "null"}),
        (Point, {"object"}),
        (Row, {"array"}),
        (list[int], {"array"}),
        (tuple[int, str], {"array"}),
        (tuple[int, ...], {"array"}),
        (dict[str, int], {"object"}),
        (Annotated[str, msgspec.Meta(min_length=1)], {"string"}),
        (Annotated[int, msgspec.Meta(title="Age")], {"number"}),
        (object, ALL_KINDS),
    ],
)
def test_kinds_of_types(declared: object, kinds: set[Kind]) -> None:
    def handler(socket: Socket, a: object) -> None: ...

    handler.__annotations__["a"] = declared
    assert {kind for kind in ALL_KINDS if Signature(handler).accepts([kind])} == kinds


HANDLERS = [nothing, number, optional, rest, anything, point, literal, binary, optional_rest, objects, short, nullable]
values = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["on", "aGk="]) | st.just({"x": 1})


@given(st.sampled_from(HANDLERS), st.sampled_from(HANDLERS), st.lists(values, max_size=3))
def test_what_two_handlers_both_take_was_seen_to_overlap(
    one: Callable[..., object], other: Callable[..., object], args: list[object]
) -> None:
    fits = []
    for handler in (one, other):
        try:
            Signature(handler).bind(["event", *args])
            fits.append(handler)
        except InvalidPayload:
            pass
        else:
            assert Signature(handler).accepts([kind_of(arg) for arg in args])
    if len(fits) == 2:
        assert Signature(one).overlaps(Signature(other))


def test_handlers_of_different_kinds_do_not_overlap() -> None:
    assert not Signature(number).overlaps(Signature(point))
    assert not Signature(point).accepts(["number"])
    assert not Signature(number).accepts(["number", "number"])
    assert not Signature(number).accepts([])
    assert Signature(rest).accepts(["number", "string", "string"])
    assert not Signature(rest).accepts(["number", "string", "number"])
    assert Signature(optional).accepts(["number", "null", "null"])
    assert not Signature(optional).accepts(["null"])


@pytest.mark.parametrize(
    ("one", "other"), [(nothing, number), (nothing, rest), (number, plain), (optional_rest, point), (short, number)]
)
def test_handlers_of_other_numbers_of_arguments_do_not_overlap(
    one: Callable[..., object], other: Callable[..., object]
) -> None:
    assert Signature(one).overlaps(Signature(other)) == Signature(other).overlaps(Signature(one))
    assert Signature(one).overlaps(Signature(other)) is False


@pytest.mark.parametrize(
    ("one", "other"), [(nothing, anything), (nothing, short), (number, rest), (number, optional), (number, objects)]
)
def test_handlers_of_the_same_number_and_kinds_overlap(
    one: Callable[..., object], other: Callable[..., object]
) -> None:
    assert Signature(one).overlaps(Signature(other))
    assert Signature(other).overlaps(Signature(one))
