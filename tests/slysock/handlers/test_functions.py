"""What can be a handler: everything that can be called with a socket, plain or to be waited for."""

import functools
from collections.abc import Awaitable, Callable
from unittest import mock

import pytest
import trio
from trio.testing import MockClock

from slysock import Router, Socket
from slysock.engineio.hooks import EngineHooks
from slysock.handlers.functions import MAX_LAYERS, Function, is_coroutine_function, name_of
from tests.slysock.serving import serving


async def later(prefix: str, socket: Socket, text: str) -> str:
    await trio.lowlevel.checkpoint()
    return prefix + text


def now(prefix: str, socket: Socket, text: str) -> str:
    return prefix + text


class Later:
    async def __call__(self, socket: Socket, text: str) -> str:
        return await later(">", socket, text)

    async def method(self, socket: Socket, text: str) -> str:
        return await later(">", socket, text)


class Now:
    def __call__(self, socket: Socket, text: str) -> str:
        return now(">", socket, text)

    def method(self, socket: Socket, text: str) -> str:
        return now(">", socket, text)

    @classmethod
    def of_the_class(cls, socket: Socket, text: str) -> str:
        return now(">", socket, text)

    @staticmethod
    def of_nobody(socket: Socket, text: str) -> str:
        return now(">", socket, text)


def logged(function: Callable[[Socket, str], Awaitable[str]]) -> Callable[[Socket, str], Awaitable[str]]:
    """Decorate a coroutine function as people do: by a plain one that returns the coroutine."""

    @functools.wraps(function)
    def wrapper(socket: Socket, text: str) -> Awaitable[str]:
        return function(socket, text)

    return wrapper


def awaited(function: Callable[[Socket, str], Awaitable[str]]) -> Callable[[Socket, str], Awaitable[str]]:
    @functools.wraps(function)
    async def wrapper(socket: Socket, text: str) -> str:
        return await function(socket, text)

    return wrapper


def answered(function: Function) -> Function:
    """Decorate a coroutine function by a plain one that does not call it."""

    @functools.wraps(function)
    def wrapper(socket: Socket, text: str) -> str:
        return f">{text}"

    return wrapper


HANDLERS: list[tuple[Function, bool]] = [
    (functools.partial(later, ">"), True),
    (functools.partial(now, ">"), False),
    (functools.partial(functools.partial(later), ">"), True),
    (Later(), True),
    (Now(), False),
    (Later().method, True),
    (Now().method, False),
    (Now.of_the_class, False),
    (Now.of_nobody, False),
    (functools.partial(Later().method), True),
    (functools.partial(Later()), True),
    (logged(Later().method), True),
    (logged(Later()), True),
    (awaited(Later().method), True),
    (answered(Later().method), True),
]


@pytest.mark.parametrize(("handler", "is_async"), HANDLERS)
async def test_whatever_can_be_called_with_a_socket_is_a_handler_and_is_waited_for_if_need_be(
    autojump_clock: MockClock, handler: Function, is_async: bool
) -> None:
    assert is_coroutine_function(handler) is is_async
    root = Router()
    root.on("event")(handler)
    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.call("event", "text") == ">text"
        answer = await client.call("event", 5)
        assert isinstance(answer, dict), "its types are those that it declares"


@pytest.mark.parametrize(
    ("function", "name"),
    [(now, "now"), (functools.partial(now, ">"), "now"), (Later(), "Later"), (Now().method, "Now.method")],
)
def test_a_function_has_the_name_that_its_author_gave_it(function: Function, name: str) -> None:
    assert name_of(function) == name


@pytest.mark.parametrize("hook", [functools.partial(later, ">"), Later(), logged(Later().method)])
async def test_what_must_be_plain_refuses_whatever_would_have_to_be_waited_for(hook: Function) -> None:
    root = Router()
    for register in (root.on_any, root.on_any_outgoing, root.on_error):
        with pytest.raises(TypeError, match="plain function"):
            register(hook)


async def test_what_is_to_follow_an_acknowledgement_must_be_plain(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("event")
    def event(socket: Socket) -> str:
        try:
            socket.after_ack(trio.sleep, 1)
        except TypeError as error:
            return str(error)
        return "accepted"

    async with serving(root) as memory:
        answer = await (await memory.connect()).call("event")
        assert answer == "sleep must be a plain function: nothing waits for it; see socket.start_soon"


class Obliging:
    """Answers to every name with another one like itself, as some proxies do."""

    def __init__(self) -> None:
        self.calls = list[tuple[object, ...]]()

    def __getattr__(self, name: str) -> "Obliging":
        return Obliging()

    def __call__(self, *args: object) -> None:
        self.calls.append(args)


class Circle:
    """Wraps itself."""

    @property
    def __wrapped__(self) -> "Circle":
        return self

    def __call__(self, *args: object) -> None:
        pass


def layered(function: Function, count: int) -> Function:
    for _ in range(count):
        wrapper: Function = lambda socket, text: None  # noqa: E731 - one for each layer
        wrapper.__wrapped__ = function  # type: ignore[attr-defined]
        function = wrapper
    return function


@pytest.mark.parametrize("endless", [Obliging(), Circle(), mock.call.anything, functools.partial(mock.call)])
def test_what_claims_to_wrap_something_without_end_is_taken_for_itself(endless: Function) -> None:
    assert is_coroutine_function(endless) is False
    assert name_of(endless) in ("Obliging", "Circle", "_Call", "partial")


@pytest.mark.parametrize("endless", [Obliging(), Circle(), mock.call.anything])
def test_what_claims_to_wrap_something_without_end_is_told_so_when_it_is_registered(endless: Function) -> None:
    root, hooks = Router(), EngineHooks()
    for register in (root.on("event"), root.use, root.on_connect, root.on_disconnect, root.on_any, root.on_error):
        with pytest.raises(TypeError, match="does not say what it takes"):
            register(endless)
    with pytest.raises(TypeError, match="does not say what it takes"):
        hooks.on_connection_error(endless)


def test_as_many_layers_as_anybody_writes_are_seen_through() -> None:
    assert is_coroutine_function(layered(later, MAX_LAYERS - 1))
    assert not is_coroutine_function(layered(later, MAX_LAYERS)), "nobody writes so many"


async def test_a_mock_may_be_a_hook(autojump_clock: MockClock) -> None:
    root, hook = Router(), mock.Mock(return_value=None)
    root.on_connect(hook)
    async with serving(root) as memory:
        await memory.connect()
    hook.assert_called_once()
