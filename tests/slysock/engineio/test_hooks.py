"""What can be registered for the requests of Engine.IO."""

import functools
from collections.abc import Callable

import pytest

from slysock import AnswerHeaders, EngineHooks, EngineRequest, RefusedRequest


async def waits(request: EngineRequest, headers: AnswerHeaders) -> None: ...
async def waits_for_one(refused: RefusedRequest) -> None: ...
def takes_nothing() -> None: ...
def takes_two(request: EngineRequest, headers: AnswerHeaders) -> None: ...


@pytest.mark.parametrize(
    "register",
    [
        lambda hooks: hooks.allow_request(takes_nothing),
        lambda hooks: hooks.allow_request(takes_two),
        lambda hooks: hooks.use(takes_nothing),
        lambda hooks: hooks.on_initial_headers(takes_nothing),
        lambda hooks: hooks.on_headers(takes_nothing),
        lambda hooks: hooks.on_connection_error(takes_two),
    ],
)
def test_a_hook_that_cannot_be_called_is_refused_while_its_author_looks(
    register: Callable[[EngineHooks], object],
) -> None:
    with pytest.raises(TypeError, match=r"takes_\w+ must take \d argument"):
        register(EngineHooks())


@pytest.mark.parametrize(
    "register",
    [
        lambda hooks: hooks.on_initial_headers(waits),
        lambda hooks: hooks.on_headers(functools.partial(waits)),
        lambda hooks: hooks.on_connection_error(waits_for_one),
    ],
)
def test_nothing_waits_for_a_hook_where_an_answer_is_given(register: Callable[[EngineHooks], object]) -> None:
    with pytest.raises(TypeError, match="must be a plain function"):
        register(EngineHooks())


def test_registering_gives_the_function_back_so_that_it_decorates() -> None:
    hooks = EngineHooks()
    for register in (hooks.use, hooks.on_initial_headers, hooks.on_headers):
        assert register(takes_two) is takes_two
