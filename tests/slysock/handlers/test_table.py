"""The table that routers become: which handler an event goes to."""

import pytest

from slysock import InvalidPayload, Router, Server, Socket
from slysock.handlers.table import Table
from slysock_protocol import RemoteProtocolError


def number(socket: Socket, value: int) -> str:
    return "number"


def text(socket: Socket, value: str) -> str:
    return "text"


def pair(socket: Socket, value: int, other: int) -> str:
    return "pair"


def nothing(socket: Socket) -> str:
    return "nothing"


def count(socket: Socket, value: int, *others: int) -> str:
    return "count"


def test_two_handlers_that_could_both_be_meant_are_refused_at_the_start() -> None:
    one, other = Router(), Router()
    one.on("a")(number)
    other.on("a")(count)
    with pytest.raises(ValueError, match=r"number and count could both be meant by the same 'a'"):
        Server(one, other)


def test_handlers_are_picked_by_the_kinds_of_their_arguments() -> None:
    router = Router()
    router.on("a")(number)
    router.on("a")(text)
    route = Table([router]).routes[b"a"]
    assert route.pick(b'["a",1]')[0].call is number
    assert route.pick(b'["a","1"]')[0].call is text
    assert route.pick(["a", 1]) == (route.fallback, ["a", 1])
    with pytest.raises(InvalidPayload, match="takes null, number"):
        route.pick(b'["a",null,1]')
    with pytest.raises(InvalidPayload, match="no arguments"):
        route.pick(b'["a"]')
    with pytest.raises(RemoteProtocolError):
        route.pick(b'{"a"')


def test_handlers_are_picked_by_the_number_of_their_arguments() -> None:
    router = Router()
    for handler in (nothing, number, pair):
        router.on("a")(handler)
    route = Table([router]).routes[b"a"]
    assert [route.pick(body)[0].call for body in (b'["a"]', b'["a",1]', b'["a",1,2]')] == [nothing, number, pair]
    with pytest.raises(InvalidPayload, match="takes number, number, number"):
        route.pick(b'["a",1,2,3]')


def test_a_single_handler_needs_no_picking() -> None:
    router = Router()
    router.on("a")(number)
    only = Table([router]).routes[b"a"].only
    assert only is not None
    assert only.call is number


def test_included_routers_keep_their_order_and_their_own_error_hook() -> None:
    outer, inner, own = Router(), Router(), Router()
    outer.include(inner)
    inner.include(own)
    outer.on_error(lambda socket, event, error: "outer")
    own.on_error(lambda socket, event, error: "own")
    outer.on("outer")(number)
    inner.on("inner")(number)
    own.on("own")(number)
    first, second = (lambda socket: None), (lambda socket: None)
    outer.use(first)
    inner.use(second)
    table = Table([outer])
    assert [hook.call for hook in table.middleware] == [first, second]
    answers = {
        name: table.routes[name].fallback.on_error(None, "", ValueError())  # type: ignore[misc,arg-type]  # it is set
        for name in (b"outer", b"inner", b"own")
    }
    assert answers == {b"outer": "outer", b"inner": "outer", b"own": "own"}
