"""What cannot be sent is named by its place."""

import dataclasses

import msgspec
import pytest

from slysock_protocol.errors import LocalProtocolError
from slysock_protocol.socketio import PARSERS
from slysock_protocol.socketio.places import MAX_DEPTH, MAX_KEY_CHARACTERS


class Order(msgspec.Struct):
    items: list[object]


@dataclasses.dataclass
class Basket:
    owner: str
    order: Order


def nested(depth: int) -> object:
    value: object = object()
    for _ in range(depth):
        value = [value]
    return value


CASES = [
    ((object(),), "$[0]"),
    ((1, {"a": [0, {"b": object()}]}), "$[1].a[1].b"),
    (({"two words": object()},), "$[0]['two words']"),
    (({"x" * 1000: object()},), f"$[0][{repr('x' * 1000)[:MAX_KEY_CHARACTERS]}]"),
    (({"a": {(1, 2): 3}},), "$[0].a"),
    ((Basket("Ada", Order([1, object()])),), "$[0].order.items[1]"),
    (({"good": 1, "bad": (1, {2j})},), "$[0].bad[1][0]"),
    ((nested(MAX_DEPTH - 1),), "$" + "[0]" * MAX_DEPTH),
]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("values", "place"), CASES)
def test_an_event_and_an_acknowledgement_name_the_place_in_one_line(
    parser: str, values: tuple[object, ...], place: str
) -> None:
    made = PARSERS[parser]()
    for encode in (lambda: made.event("/", "said", values), lambda: made.ack("/", 1, values)):
        with pytest.raises(LocalProtocolError) as caught:
            encode()
        text = str(caught.value)
        assert text.startswith("cannot be sent")
        assert text.endswith(f" - at `{place}`")
        assert "\n" not in text


@pytest.mark.parametrize("parser", PARSERS)
def test_what_is_wrong_with_no_piece_alone_has_no_place(parser: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"reserved event name$"):
        PARSERS[parser]().event("/", "connect", ())


def test_too_many_attachments_are_nobodys_alone() -> None:
    with pytest.raises(LocalProtocolError, match=r"drop the connection above 10$"):
        PARSERS["json"]().event("/", "said", (b"",) * 11)


@pytest.mark.parametrize("parser", PARSERS)
def test_a_value_that_holds_itself_is_refused_in_a_line(parser: str) -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(LocalProtocolError, match="cannot be sent") as caught:
        PARSERS[parser]().event("/", "said", (loop,))
    assert len(str(caught.value)) < 500
