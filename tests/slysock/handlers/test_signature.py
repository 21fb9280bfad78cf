"""What parameters take, and what is refused when a handler is registered."""

import functools
from collections.abc import Callable
from contextlib import suppress
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
        (optional, (1, None)),
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


def no_parameters() -> None: ...
def only_rest(*args: object) -> None: ...
def needs_keyword(socket: Socket, *, a: int) -> None: ...
def keywords(socket: Socket, **more: object) -> None: ...
def unreadable(socket: Socket, a: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - under test
def foreign(socket: Socket, a: Router) -> None: ...
def foreign_rest(socket: Socket, *a: Router) -> None: ...
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
        (ambiguous, "more than one"),
    ],
)
def test_a_handler_that_no_event_can_fill_is_refused(handler: Callable[..., object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Signature(handler)


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


HANDLERS = [number, optional, rest, anything, point, literal, binary, optional_rest, objects, short]
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
    assert Signature(rest).accepts(["number", "string", "null"])
