"""One request and one call of an application, behind a connection over in-memory streams."""

import logging

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from slysock.asgi import Event, InvalidMessage, Receive, Scope, Send, not_found, run_asgi
from slysock.http import HttpConnection, InvalidResponse
from tests.slysock.asgi.applications import (
    BODY,
    CONFIG,
    FAILED,
    GET,
    OK,
    START,
    ask,
    post_request,
    raising,
    saying,
    serve,
)
from tests.slysock.http.peer import piece_of

# ---- scope ----------------------------------------------------------------------------------------------------------


async def scope_of(data: bytes, *, secure: bool = False, peer: str = "192.0.2.7", state: Event | None = None) -> Scope:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await not_found(scope, receive, send)

    client, server = memory_stream_pair()
    await client.send_all(data)
    connection = HttpConnection(server, CONFIG, secure=secure, peer=peer)
    request = await connection.next_request()
    assert request is not None
    await run_asgi(app, request, root_path="/mounted", server=("127.0.0.1", 3000), state=state)
    return scopes[0]


async def test_the_scope_describes_the_request() -> None:
    assert await scope_of(GET) == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=d",
        "root_path": "/mounted",
        "headers": [(b"host", b"a")],
        "client": ("192.0.2.7", 0),
        "server": ("127.0.0.1", 3000),
    }


async def test_the_scope_under_tls_and_over_a_unix_socket() -> None:
    scope = await scope_of(b"get / HTTP/1.0\r\n\r\n", secure=True, peer="")
    assert (scope["scheme"], scope["client"], scope["http_version"]) == ("https", None, "1.0")
    assert scope["method"] == "GET"


async def test_each_request_has_its_own_copy_of_the_state() -> None:
    state: Event = {"pool": 1}
    scope = await scope_of(GET, state=state)
    assert scope["state"] == state
    assert scope["state"] is not state


# ---- answers --------------------------------------------------------------------------------------------------------


async def test_an_answer_and_the_next_one_share_the_connection(autojump_clock: MockClock) -> None:
    assert await ask(saying(START, BODY), GET + GET) == OK + OK


async def test_a_streamed_answer_is_chunked(autojump_clock: MockClock) -> None:
    parts: list[Event] = [
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"ab", "more_body": True},
        {"type": "http.response.body", "body": memoryview(b"c"), "more_body": True},
        {"type": "http.response.body"},
    ]
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert await ask(saying(*parts), GET) == answer


async def test_head_gets_no_body(autojump_clock: MockClock) -> None:
    assert await ask(saying(START, BODY), GET.replace(b"GET", b"HEAD")) == OK[:-2]


async def test_a_transfer_encoding_of_the_application_is_ignored(autojump_clock: MockClock) -> None:
    start = {**START, "headers": [[b"Transfer-Encoding", b"chunked"], [b"content-length", b"2"]]}
    assert await ask(saying(start, BODY), GET) == OK


async def test_the_default_application_answers_404(autojump_clock: MockClock) -> None:
    answer = await ask(not_found, GET + GET)
    assert answer.count(b"HTTP/1.1 404 Not Found\r\n") == 2
    assert answer.endswith(b'\r\n\r\n{"message":"Not Found"}')


async def test_the_default_application_has_no_lifespan() -> None:
    async def never(*_: object) -> Event:
        raise AssertionError("it says and asks nothing")

    await not_found({"type": "lifespan"}, never, never)


# ---- applications that fail -----------------------------------------------------------------------------------------


async def test_a_failure_before_the_answer_is_a_500_without_the_reason(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(raising, GET + GET)
    assert answer.count(FAILED) == 2
    assert answer.endswith(b"\r\n\r\nInternal Server Error")
    assert b"secret" not in answer
    record = caplog.records[0]
    assert (record.name, record.levelno) == ("slysock.asgi", logging.ERROR)
    assert "application failed on GET '/a b'" in record.getMessage()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("messages", [[], [START], [START, {"type": "http.response.body", "body": 5}]])
async def test_no_answer_is_a_500(
    messages: list[Event], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask(saying(*messages), GET)).startswith(FAILED)
    assert "application did not answer" in caplog.text


@pytest.mark.parametrize(
    "message",
    [
        BODY,
        {"type": "http.response.start"},
        {"type": "http.response.start", "status": "200"},
        {"type": "http.response.start", "status": 200, "headers": None},
        {"type": "http.response.start", "status": 200, "headers": [("a", "b")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a",)]},
        {"type": "websocket.accept"},
        {},
    ],
)
async def test_a_wrong_message_is_refused_where_it_is_sent(message: Event, autojump_clock: MockClock) -> None:
    refused: list[InvalidMessage] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(InvalidMessage) as caught:
            await send(message)
        refused.append(caught.value)
        await send(START)
        with pytest.raises(InvalidMessage, match="started already"):
            await send(START)
        await send(BODY)
        with pytest.raises(InvalidMessage, match="before its last piece"):
            await send(BODY)

    assert await ask(app, GET) == OK
    assert len(refused) == 1


async def test_a_header_that_is_no_http_is_a_500(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    start = {**START, "headers": [(b"location", b"/\r\nset-cookie: a=b")]}
    answer = await ask(saying(start, BODY), GET)
    assert answer.startswith(FAILED)
    assert b"set-cookie" not in answer
    assert InvalidResponse.__name__ in caplog.text


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.response.body", "body": b"o", "more_body": True}],
        [{"type": "http.response.body", "body": b"o", "more_body": True}, {"type": "nonsense"}],
        [{"type": "http.response.body", "body": b"o", "more_body": True}, BODY],
        [{"type": "http.response.body", "body": b"o", "more_body": True}, {"type": "http.response.body"}],
    ],
)
async def test_an_answer_left_unfinished_breaks_the_connection_off(
    messages: list[Event], autojump_clock: MockClock
) -> None:
    assert await ask(saying(START, *messages), GET + GET) == OK[:-1]
    assert trio.current_time() == 0


async def test_a_failure_after_the_answer_costs_nothing_but_a_log_line(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert await ask(saying(START, BODY, {}), GET + GET) == OK + OK
    assert len(caplog.records) == 2


async def test_a_request_that_has_an_answer_already_is_given_up() -> None:
    client, server = memory_stream_pair()
    await client.send_all(GET + GET)
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    request = await connection.next_request()
    assert request is not None
    await request.respond(200, body=b"ok")
    await run_asgi(raising, request)
    assert await connection.next_request() is None


async def test_an_application_that_is_cancelled_leaves_its_answer_broken_off(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    left: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({**BODY, "more_body": True})
        try:
            await trio.sleep_forever()
        finally:
            left.append("cancelled")

    await client.send_all(GET)
    with trio.move_on_after(1):
        await serve(server, app)
    assert left == ["cancelled"]
    assert await piece_of(client) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    assert await client.receive_some(1000) == b""


# ---- request bodies -------------------------------------------------------------------------------------------------


async def test_a_body_comes_in_pieces_until_the_last(autojump_clock: MockClock) -> None:
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not events or events[-1]["more_body"]:
            events.append(await receive())
        await send(START)
        await send(BODY)
        events.append(await receive())

    assert await ask(app, post_request(bytes(20_000))) == OK
    assert b"".join(bytes(body) for event in events if isinstance(body := event.get("body"), bytes)) == bytes(20_000)
    assert [event.get("more_body") for event in events] == [True, False, None]
    assert events[-1] == {"type": "http.disconnect"}


async def test_a_request_without_a_body_has_one_empty_piece(autojump_clock: MockClock) -> None:
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        events.append(await receive())
        await send(START)
        await send(BODY)

    assert await ask(app, GET) == OK
    assert events == [{"type": "http.request", "body": b"", "more_body": False}]


async def test_nothing_is_read_ahead_of_the_application() -> None:
    client, server = lockstep_stream_pair()
    may_read = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await may_read.wait()
        while (await receive())["more_body"]:
            pass
        await send(START)
        await send(BODY)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, app)
        await client.send_all(post_request(b"", 200_000))
        taken = 0

        async def upload() -> None:
            nonlocal taken
            for _ in range(20):
                await client.send_all(bytes(10_000))
                taken += 10_000

        nursery.start_soon(upload)
        await wait_all_tasks_blocked()
        assert taken == 0
        may_read.set()
        assert await piece_of(client) == OK
        await wait_all_tasks_blocked()
        assert taken == 200_000
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post_request(b"abc", 5), b"408 Request Timeout"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n", b"400 Bad Request"),
    ],
)
async def test_a_body_that_breaks_is_a_disconnect_and_the_client_is_told(
    data: bytes, status: bytes, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        assert (await receive())["type"] == "http.disconnect"
        raise ConnectionResetError

    assert (await ask(app, data)).startswith(b"HTTP/1.1 " + status)
    assert all(record.levelno < logging.ERROR for record in caplog.records)


async def test_an_application_may_tell_a_client_itself_that_its_body_did_not_come(autojump_clock: MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({**START, "status": 408})
        await send(BODY)

    answer = await ask(app, post_request(b"abc", 5))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"ok")
    assert b"connection: close" in answer.lower()


# ---- clients that leave ---------------------------------------------------------------------------------------------


async def test_the_application_learns_that_the_client_left_and_may_go_on() -> None:
    client, server = memory_stream_pair()
    events: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        events.append((await receive())["type"])
        events.append((await receive())["type"])
        await send(START)
        await send({**BODY, "more_body": True})
        await send({"type": "http.response.body"})
        with pytest.raises(InvalidMessage):
            await send(BODY)
        events.append("went on")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, app)
        await client.send_all(GET)
        await wait_all_tasks_blocked()
        await client.aclose()
    assert events == ["http.request", "http.disconnect", "went on"]


async def test_an_upload_that_the_client_breaks_off_is_a_disconnect(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    events: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (event := await receive())["type"] != "http.disconnect":
            events.append(event["body"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, app)
        await client.send_all(post_request(b"abc", 5))
        await client.aclose()
    assert events == [b"abc"]


async def test_writing_to_a_client_that_left_does_nothing(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200})
        for _ in range(5):
            await send({**BODY, "more_body": True})
            sent += 1
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, app)
        await client.send_all(GET)
        await client.receive_some(1000)
        await client.aclose()
    assert sent == 5


async def test_a_500_that_cannot_be_written_is_dropped() -> None:
    client, server = memory_stream_pair()
    await client.send_all(GET)
    await client.aclose()
    await serve(server, raising)


async def test_waiting_for_the_client_to_leave_ends_with_the_answer(autojump_clock: MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect_disconnect, receive)
            await trio.sleep(1)
            await send(START)
            await send(BODY)

    assert await ask(app, GET + GET) == OK + OK
    assert trio.current_time() == 1 + 1 + 20


async def expect_disconnect(receive: Receive) -> None:
    assert await receive() == {"type": "http.disconnect"}
