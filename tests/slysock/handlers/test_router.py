"""Routers: what may be registered, and who may include whom."""

import re
from collections.abc import Callable

import pytest
from msgspec import Struct

from slysock import Router, Server, Socket


def number(socket: Socket, value: int) -> str:
    return "number"


async def waits(*args: object) -> None: ...


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


class Say(Struct):
    """A payload."""

    text: str


def test_a_router_describes_its_events_also_those_that_it_includes() -> None:
    router, inner = Router("/"), Router("/")

    @router.on("say")
    async def say(socket: Socket, payload: Say, loud: bool = False) -> str:
        """Say it.

        To all.
        """
        return payload.text

    @inner.on("anything")
    def anything(socket: Socket, *args: int) -> None: ...

    @inner.on("bare")
    def bare(socket, value):  # type: ignore[no-untyped-def]  # as beginners write it
        return value

    router.include(inner)
    Server(router)
    said, rest, untyped = router.describe()
    assert (said.event, said.doc) == ("say", "Say it.\n\nTo all.")
    assert (said.arguments, said.required, said.rest, said.returns) == ((Say, bool), 1, None, str)
    assert (rest.event, rest.arguments, rest.rest, rest.returns) == ("anything", (), int, None)
    assert (untyped.doc, untyped.arguments, untyped.returns) == ("", (object,), object)
