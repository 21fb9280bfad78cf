"""Routers: what may be registered, and the table it becomes."""

import re
from collections.abc import Callable

import pytest

from slysock import NO_ACK, ConnectionRefused, InvalidPayload, Refusal, Router, Server, Socket
from slysock.handlers.table import Table
from slysock_protocol import RemoteProtocolError
from tests.slysock.serving import serving


def number(socket: Socket, value: int) -> str:
    return "number"


def text(socket: Socket, value: str) -> str:
    return "text"


def pair(socket: Socket, value: int, other: int) -> str:
    return "pair"


def test_a_namespace_starts_with_a_slash() -> None:
    with pytest.raises(ValueError, match="slash"):
        Router("chat")


@pytest.mark.parametrize("event", ["connect", "disconnect", "connect_error", "disconnecting", "newListener"])
def test_reserved_names_are_refused(event: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        Router().on(event)


def test_concurrency_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="concurrency"):
        Router().on("a", concurrency=0)


async def waits(*args: object) -> None: ...


@pytest.mark.parametrize("method", ["on_any", "on_any_outgoing", "on_error"])
def test_listeners_and_error_hooks_must_be_plain(method: str) -> None:
    with pytest.raises(TypeError, match="must be a plain function"):
        getattr(Router(), method)(waits)


@pytest.mark.parametrize("method", ["use", "on_connect", "on_disconnect", "on_any", "on_any_outgoing", "on_error"])
def test_a_hook_with_the_wrong_parameters_is_refused_when_registered(method: str) -> None:
    with pytest.raises(TypeError, match="must take"):
        getattr(Router(), method)(lambda: None)


def test_decorators_return_the_function_itself() -> None:
    router = Router()
    hook: Callable[..., None] = lambda *args: None  # noqa: E731 - a value to compare
    assert router.on("a")(number) is number
    for register in (
        router.use,
        router.on_connect,
        router.on_disconnect,
        router.on_any,
        router.on_any_outgoing,
        router.on_error,
    ):
        assert register(hook) is hook


def test_there_is_one_error_hook() -> None:
    router = Router()
    router.on_error(lambda socket, event, error: None)
    with pytest.raises(ValueError, match="already"):
        router.on_error(lambda socket, event, error: None)


@pytest.mark.parametrize("other", [Router("/other"), Router(re.compile("/.*"))])
def test_a_router_of_another_namespace_cannot_be_included(other: Router) -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        Router("/").include(other)


def test_the_name_of_an_event_is_not_forgotten() -> None:
    with pytest.raises(TypeError, match=r'@router.on\("name"\)'):
        Router().on(number)  # type: ignore[arg-type]  # the mistake under test: @router.on


def test_routers_cannot_include_each_other() -> None:
    one, other, third = Router(), Router(), Router()
    one.include(other)
    other.include(third)
    with pytest.raises(ValueError, match="part of itself"):
        third.include(one)


def test_a_router_cannot_include_itself() -> None:
    router = Router()
    with pytest.raises(ValueError, match="itself"):
        router.include(router)


def test_what_is_registered_after_the_server_was_made_is_refused_and_not_ignored() -> None:
    router, included = Router(), Router()
    router.include(included)
    Server(router)
    for late in (router, included):
        with pytest.raises(RuntimeError, match="in use"):
            late.on("late")(number)
        with pytest.raises(RuntimeError, match="in use"):
            late.include(Router())


def test_a_router_may_serve_in_several_servers() -> None:
    router = Router()
    router.on("a")(number)
    Server(router)
    assert Server(router).of("/").name == "/"


def test_two_handlers_that_could_both_be_meant_are_refused_at_the_start() -> None:
    one, other = Router(), Router()
    one.on("a")(number)
    other.on("a")(pair)
    with pytest.raises(ValueError, match=r"number and pair could both be meant by the same 'a'"):
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


async def test_a_router_in_two_servers_answers_by_the_hook_of_each() -> None:
    common, one, other = Router(), Router(), Router()

    @common.on("fail")
    def fail(socket: Socket) -> None:
        raise Refusal("no")

    one.include(common)
    other.include(common)
    one.on_error(lambda socket, event, error: "one")
    other.on_error(lambda socket, event, error: "other")
    async with serving(one) as first, serving(other) as second:
        assert await (await first.connect()).call("fail") == "one"
        assert await (await second.connect()).call("fail") == "other"


def test_no_ack_names_itself() -> None:
    assert repr(NO_ACK) == "NO_ACK"


def test_a_refusal_keeps_message_and_data() -> None:
    assert (ConnectionRefused("m", data=1).message, ConnectionRefused("m", data=1).data) == ("m", 1)
