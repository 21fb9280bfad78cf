"""Two applications for one path."""

import pytest
from trio.testing import MockClock

from slysock.asgi import AppWithoutHealth, Event, Receive, Scope, Send, with_fallback
from tests.slysock.asgi.applications import BODY, FAILED, GET, OK, START, App, ask


async def ours(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


def answering(status: int) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        start: Event = {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"4")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"th", "more_body": True})
        await send({"type": "http.response.body", "body": b"at"})

    return app


@pytest.mark.parametrize("status", [200, 401, 405, 500, 503])
async def test_an_answer_goes_first(status: int, autojump_clock: MockClock) -> None:
    answer = await ask(with_fallback(answering(status), ours), GET)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(b"that")


async def test_where_it_has_nothing_the_other_answers(autojump_clock: MockClock) -> None:
    assert (await ask(with_fallback(answering(404), ours), GET)).endswith(b"ok")


async def test_what_fails_is_not_papered_over(autojump_clock: MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError

    assert (await ask(with_fallback(app, ours), GET)).startswith(FAILED)


async def test_an_application_without_health_is_itself(autojump_clock: MockClock) -> None:
    assert (await ask(AppWithoutHealth(ours), GET)).startswith(OK[:15])
