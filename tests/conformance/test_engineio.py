"""Engine.IO protocol v4.1 (docs/engine.io-protocol/v4-current.md), section by section.

Each test cites the sentence that it is for. "Node" marks what the document leaves open and clients rely on: the
behaviour of the reference server. All of it with a ping interval of 25 s: nothing here closes by a timeout.
"""

from email.utils import parsedate_to_datetime

import pytest
import trio
import trio.testing

from tests.conformance.live import (
    SEPARATOR,
    SOON_SECONDS,
    Answer,
    Closed,
    Polling,
    Refused,
    Target,
    base64_packet,
    handshake,
)

pytestmark = pytest.mark.port

MAX_PAYLOAD_BYTES = 1_000_000
ERRORS = {
    0: '{"code":0,"message":"Transport unknown"}',
    1: '{"code":1,"message":"Session ID unknown"}',
    2: '{"code":2,"message":"Bad handshake method"}',
    3: '{"code":3,"message":"Bad request"}',
    5: '{"code":5,"message":"Unsupported protocol version"}',
}


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.text


# ---- "Query parameters" and "Handshake" -----------------------------------------------------------------------------


async def test_handshake_by_polling(echo: Target) -> None:
    """Handshake: "it MUST respond with an `open` packet with the following JSON-encoded payload"."""
    answer = await echo.ask("GET", echo.polling)
    assert answer.status == 200
    assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"
    opened = handshake(answer.text)
    assert set(opened) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert isinstance(opened["sid"], str)
    assert opened["upgrades"] == ["websocket"]
    assert (opened["pingInterval"], opened["pingTimeout"]) == (25_000, 20_000)
    assert opened["maxPayload"] == MAX_PAYLOAD_BYTES


async def test_handshake_by_websocket(echo: Target) -> None:
    """Handshake, "WebSocket-only session": the same packet, and nothing to upgrade to."""
    websocket = await echo.websocket_to(echo.websocket)
    opened = handshake(await websocket.text())
    assert set(opened) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert opened["upgrades"] == []


async def test_session_ids_differ(echo: Target) -> None:
    """Handshake, `sid`: "The session ID"."""
    assert len({(await echo.open_polling()).sid for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("transport=polling", 5),
        ("EIO=&transport=polling", 5),
        ("EIO=3&transport=polling", 5),
        ("EIO=abc&transport=polling", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=", 0),
        ("EIO=4&transport=abc", 0),
        ("", 0),
        ("EIO=4&transport=polling&sid=unknown", 1),
        ("EIO=4&transport=websocket", 3),
    ],
)
async def test_a_missing_or_wrong_parameter_is_400(query: str, code: int, echo: Target) -> None:
    """Query parameters: "If a mandatory query parameter is missing, then the server MUST respond with an HTTP 400"."""
    assert refusal(await echo.ask("GET", f"{echo.path}?{query}")) == (400, ERRORS[code])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_handshake_by_another_method_is_400(method: str, echo: Target) -> None:
    """Handshake: "the client MUST send an HTTP `GET` request"."""
    assert refusal(await echo.ask(method, echo.polling)) == (400, ERRORS[2])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("transport=websocket", 5),
        ("EIO=abc&transport=websocket", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=polling", 3),
        ("EIO=4&transport=websocket&sid=unknown", 1),
    ],
)
async def test_a_websocket_with_a_missing_or_wrong_parameter_is_refused(query: str, code: int, echo: Target) -> None:
    """WebSocket: "If a mandatory query parameter is missing, then the server MUST close the WebSocket connection".

    Node answers HTTP 400 before there is a WebSocket, with the same bodies as for polling.
    """
    with pytest.raises(Refused) as refused:
        await echo.websocket_to(f"{echo.path}?{query}")
    assert (refused.value.status, refused.value.text) == (400, ERRORS[code])


async def test_parameters_that_nobody_knows_are_ignored(echo: Target) -> None:
    """Node: clients add `t` against caches, and whatever the application wants."""
    assert (await echo.ask("GET", f"{echo.polling}&t=abc&x=%20")).status == 200


async def test_a_page_of_another_origin_may_connect(echo: Target) -> None:
    """CORS is `*`, preflight included."""
    answer = await echo.ask("GET", echo.polling, headers=[("origin", "http://elsewhere.example")])
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = [("origin", "http://elsewhere.example"), ("access-control-request-method", "POST")]
    preflight = await echo.ask("OPTIONS", echo.polling, headers=asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]


# ---- "HTTP long-polling" --------------------------------------------------------------------------------------------


async def test_a_post_is_answered_ok(echo: Target) -> None:
    """Sending data: "the server MUST return an HTTP 200 response, with the string `ok` in the response body"."""
    session = await echo.open_polling()
    assert refusal(await session.post("4hello")) == (200, "ok")


async def test_a_message_comes_back(echo: Target) -> None:
    """Receiving data."""
    session = await echo.open_polling()
    await session.post("4hello")
    answer = await session.get()
    assert refusal(answer) == (200, "4hello")
    assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"


async def test_several_packets_in_one_payload(echo: Target) -> None:
    """Packet encoding, HTTP long-polling: "The packets are separated by the record separator character"."""
    session = await echo.open_polling()
    await session.post(SEPARATOR.join(["4test1", "4test2", "4test3"]))
    assert await session.packets() == ["4test1", "4test2", "4test3"]


async def test_packets_of_several_posts_come_in_one_get(echo: Target) -> None:
    """Receiving data: "Once there are some packets to be sent, the server SHOULD encode them"."""
    session = await echo.open_polling()
    for number in range(3):
        await session.post(f"4{number}")
    assert await session.packets() == ["40", "41", "42"]


async def test_binary_in_a_payload(echo: Target) -> None:
    """Packet encoding: "Binary payloads MUST be base64-encoded and prefixed with a `b` character"."""
    session = await echo.open_polling()
    binary = base64_packet(bytes([1, 2, 3, 4]))
    await session.post(SEPARATOR.join(["4hello", binary]))
    assert await session.packets() == ["4hello", "bAQIDBA=="]


async def test_text_is_utf8(echo: Target) -> None:
    """Packet encoding: "The character encoding is UTF-8 for plain text"."""
    session = await echo.open_polling()
    await session.post("4€ 🙂 \u2028")
    assert await session.packets() == ["4€ 🙂 \u2028"]


async def test_a_get_waits_for_something_to_say(echo: Target) -> None:
    """Receiving data: "The server MAY not respond right away if there are no packets buffered"."""
    session = await echo.open_polling()
    answers: list[Answer] = []

    async def get() -> None:
        answers.append(await session.get())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(get)
        await session.post("4hello")
    assert [refusal(answer) for answer in answers] == [(200, "4hello")]


@pytest.mark.parametrize("body", ["abc", "", "9", SEPARATOR, "4hello\x1e\x1e4", "b***", "0{}"])
async def test_a_malformed_post_ends_the_session(body: str, echo: Target) -> None:
    """Node: a payload that is none is a transport error; the next GET finds no session."""
    session = await echo.open_polling()
    assert (await session.post(body)).status == 400
    assert refusal(await session.get()) == (400, ERRORS[1])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_session_is_400(method: str, echo: Target) -> None:
    """Sending and receiving data: "The server MUST return an HTTP 400 response if the session ID is not known", of GET
    and of POST.
    """
    answer = await echo.ask(method, f"{echo.polling}&sid=unknown", body=b"4hello" if method == "POST" else b"")
    assert refusal(answer) == (400, ERRORS[1])


async def test_two_gets_at_once_end_the_session(echo: Target) -> None:
    """Receiving data: "Should it happen, the server MUST return an HTTP 400 error status and close the session".

    The first one is released with a close packet.
    """
    session = await echo.open_polling()
    first = await echo.connect()
    answers: list[Answer] = []
    await first.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await session.post("4echo")  # answered, so the GET before it has been read, and is answered
    assert b"4echo" in bytes(await first.receive_some())

    async def get() -> None:
        answers.append(await session.get())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(get)
        nursery.start_soon(get)
    assert sorted(refusal(answer) for answer in answers) == [(200, "1"), (400, ERRORS[3])]
    assert refusal(await session.get()) == (400, ERRORS[1])


async def test_two_posts_at_once_are_taken_one_after_the_other(echo: Target) -> None:
    """Sending data: "a client MUST NOT have more than one active `POST` request. Should it happen, the server MUST
    return an HTTP 400 error status and close the session". Not so here: clients for .NET and Go have more than one.
    """
    session = await echo.open_polling()
    first, answers = await begin_post(echo, session), list[Answer]()

    async def post() -> None:
        answers.append(await session.post("4second"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(post)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert answers == []
        await first.send_all(b"4the first")
        assert bytes(await first.receive_some()).endswith(b"\r\n\r\nok")
    assert refusal(answers[0]) == (200, "ok")
    assert await session.packets() == ["4the first", "4second"]


async def test_many_posts_at_once_end_the_session(echo: Target) -> None:
    """As the document has it, from the ninth on."""
    session = await echo.open_polling()
    await begin_post(echo, session)
    for _ in range(7):
        await begin_post(echo, session, continues=False)
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert refusal(await session.post("4hello")) == (400, ERRORS[3])
    assert refusal(await session.get()) == (400, ERRORS[1])


async def begin_post(echo: Target, session: Polling, *, continues: bool = True) -> trio.SocketStream:
    """A POST whose body of ten bytes has not been sent; it is being read, if it `continues`."""
    stream = await echo.connect()
    head = f"POST {session.url} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    await stream.send_all(head.encode())
    if continues:
        assert bytes(await stream.receive_some()).startswith(b"HTTP/1.1 100")
    return stream


async def test_two_gets_a_moment_apart_are_told_apart(echo: Target) -> None:
    """Node, in 800 of 800: the first is answered 200. Connections are taken in one turn where the loop was busy."""
    for gap in (0.0, 0.005):
        for _ in range(20):
            session = await echo.open_polling()
            streams = [await echo.connect() for _ in range(2)]
            for stream in streams:
                await stream.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                await trio.sleep(gap)
            answers = [bytes(await stream.receive_some()).split(b"\r\n")[0] for stream in streams]
            assert answers == [b"HTTP/1.1 200 OK", b"HTTP/1.1 400 Bad Request"]


async def test_an_answer_holds_sixteen_packets(echo: Target) -> None:
    """Nobody's rule but python-engineio's, which leaves at more; the rest is in the next answer."""
    session = await echo.open_polling()
    packets = [f"4{number}" for number in range(40)]
    await session.post(SEPARATOR.join(packets))
    assert [await session.packets() for _ in range(3)] == [packets[:16], packets[16:32], packets[32:]]


async def test_a_post_behind_a_waiting_get_is_handled_at_once(echo: Target) -> None:
    """Node: requests that are pipelined are handled as they come."""
    session = await echo.open_polling()
    stream = await echo.connect()
    await stream.send_all(
        f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n"
        f"POST {session.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4hello".encode()
    )
    answers = b""
    with trio.fail_after(SOON_SECONDS):
        while answers.count(b"HTTP/1.1 200 OK") < 2:
            answers += bytes(await stream.receive_some())
    assert await session.packets() == ["4hello"]


async def test_a_line_end_behind_a_body_is_ignored(echo: Target) -> None:
    """RFC 9112, section 2.2, of empty lines before a request."""
    session = await echo.open_polling()
    stream = await echo.connect()
    for number in range(2):
        await stream.send_all(
            f"POST {session.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n4{number}\r\n".encode()
        )
        assert bytes(await stream.receive_some()).endswith(b"\r\n\r\nok")
    assert await session.packets() == ["40", "41"]


async def test_an_empty_session_id_is_none(echo: Target) -> None:
    """Node: a handshake, by both transports."""
    assert handshake((await echo.ask("GET", f"{echo.polling}&sid=")).text)
    websocket = await echo.websocket_to(f"{echo.websocket}&sid=")
    assert handshake(await websocket.text())


async def test_every_answer_has_a_date(echo: Target) -> None:
    """RFC 9110, section 6.6.1."""
    session = await echo.open_polling()
    await session.post("4hello")
    answers = [
        await session.post("4hello"),
        await session.get(),
        await echo.ask("GET", f"{echo.path}?EIO=3&transport=polling"),
        await echo.ask("OPTIONS", echo.polling),
        await echo.ask("GET", "/nothing"),
        await echo.ask("GET", "/healthz"),
    ]
    assert all(parsedate_to_datetime(answer.headers["date"]) for answer in answers)


async def test_an_aborted_get_ends_the_session(echo: Target) -> None:
    """Node: what the answer would have carried is lost."""
    session = await echo.open_polling()
    stream = await echo.connect()
    await stream.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await stream.aclose()
    with trio.fail_after(SOON_SECONDS):
        while (await session.post("6")).status != 400:
            pass
    assert refusal(await session.get()) == (400, ERRORS[1])


async def test_a_get_waiting_at_a_close_packet_is_released(echo: Target) -> None:
    """Packet type `close`: "a transport can be closed". Node ends the waiting GET with a noop."""
    session = await echo.open_polling()
    answers: list[Answer] = []
    stream = await echo.connect()
    await stream.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def get() -> None:
        data = bytes(await stream.receive_some())
        answers.append(Answer(int(data.split()[1]), data.partition(b"\r\n\r\n")[2].decode(), {}))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(get)
        await session.post("6")  # behind the GET, so that this one waits
        assert refusal(await session.post("1")) == (200, "ok")
    assert [refusal(answer) for answer in answers] == [(200, "6")]
    assert refusal(await session.get()) == (400, ERRORS[1])


async def test_a_post_that_is_too_large_is_413(echo: Target) -> None:
    """Handshake, `maxPayload`. Node: 413 with an empty body, and the session is gone."""
    session = await echo.open_polling()
    assert refusal(await session.post("4" + "x" * (MAX_PAYLOAD_BYTES - 1))) == (200, "ok")
    assert (await session.get()).text == "4" + "x" * (MAX_PAYLOAD_BYTES - 1)
    assert refusal(await session.post("4" + "x" * MAX_PAYLOAD_BYTES)) == (413, "")
    assert refusal(await session.get()) == (400, ERRORS[1])


async def test_a_large_answer_is_compressed_where_the_client_takes_it(echo: Target) -> None:
    """Node: `httpCompression`, from 1024 bytes on."""
    session = await echo.open_polling()
    await session.post("4" + "x" * 2000)
    stream = await echo.connect()
    await stream.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    assert b"content-encoding: gzip" in bytes(await stream.receive_some()).lower()


# ---- "WebSocket" ----------------------------------------------------------------------------------------------------


async def test_text_by_websocket(echo: Target) -> None:
    """Packet encoding, WebSocket: "Each Engine.IO packet is sent in its own WebSocket frame"."""
    websocket = await echo.open_websocket()
    await websocket.send("4hello", "4€ 🙂")
    assert [await websocket.receive(), await websocket.receive()] == ["4hello", "4€ 🙂"]


async def test_binary_by_websocket(echo: Target) -> None:
    """Packet encoding, WebSocket: "Binary payloads are sent as is, without modification"."""
    websocket = await echo.open_websocket()
    await websocket.send(bytes([1, 2, 3, 4]), b"", b"\xff" * 70_000)
    assert [await websocket.receive() for _ in range(3)] == [bytes([1, 2, 3, 4]), b"", b"\xff" * 70_000]


@pytest.mark.parametrize("packet", ["abc", "", "9", "1x", "b***"])
async def test_a_malformed_packet_closes_at_once(packet: str, echo: Target) -> None:
    """Node: an Engine.IO packet that cannot be parsed is a transport error."""
    websocket = await echo.open_websocket()
    await websocket.send(packet)
    assert await websocket.closing() != 1006


async def test_a_ping_from_the_client_closes_at_once(echo: Target) -> None:
    """Heartbeat: "the server sends a `ping` packet". Node: "invalid heartbeat direction"."""
    websocket = await echo.open_websocket()
    await websocket.send("2")
    assert await websocket.closing() != 1006


async def test_a_close_packet_closes_at_once(echo: Target) -> None:
    """Packet type `close`. Node ignores it on WebSocket and closes by the ping timeout; that is not to be copied."""
    websocket = await echo.open_websocket()
    await websocket.send("1")
    assert await websocket.closing() == 1000


async def test_a_message_that_is_too_large_is_1009(echo: Target) -> None:
    """Handshake, `maxPayload`; RFC 6455, 7.4.1."""
    websocket = await echo.open_websocket()
    await websocket.send("4" + "x" * (MAX_PAYLOAD_BYTES - 1))
    assert len(await websocket.receive()) == MAX_PAYLOAD_BYTES
    await websocket.send("4" + "x" * MAX_PAYLOAD_BYTES)
    assert await websocket.closing() == 1009


# ---- "Upgrade" ------------------------------------------------------------------------------------------------------


async def test_upgrade(echo: Target) -> None:
    """Upgrade: "respond with a `pong` packet with the string `probe` in the payload"."""
    session = await echo.open_polling()
    websocket = await session.probe()
    await websocket.send("2probe")
    assert await websocket.text() == "3probe"
    await websocket.send("5", "4hello")
    assert await websocket.text() == "4hello"


async def test_a_waiting_get_is_released_by_the_probe(echo: Target) -> None:
    """Upgrade: "send a `noop` packet to any pending `GET` request (if applicable)"."""
    session = await echo.open_polling()
    stream = await echo.connect()
    await stream.send_all(f"GET {session.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await session.post("6")
    websocket = await session.probe()
    await websocket.send("2probe")
    assert await websocket.text() == "3probe"
    with trio.fail_after(SOON_SECONDS):
        assert bytes(await stream.receive_some()).endswith(b"\r\n\r\n6")
    await websocket.send("5", "4hello")
    assert await websocket.text() == "4hello"


async def test_polls_end_no_more_than_ten_times_a_second_during_an_upgrade(echo: Target) -> None:
    """Node: one noop per 100 ms, the first of them 100 ms after `3probe`; a client counts packets until then."""
    session = await echo.open_polling()
    websocket = await session.probe()
    await websocket.send("2probe")
    assert await websocket.text() == "3probe"
    started = trio.current_time()
    for number in range(1, 6):
        assert await session.packets() == ["6"]
        assert trio.current_time() - started > 0.1 * number - 0.02


@pytest.mark.parametrize("steps", [["5"], ["2probe", "52"]], ids=["no probe", "more to say"])
async def test_clients_that_upgrade_in_their_own_way(steps: list[str], echo: Target) -> None:
    """Node: `5` is enough (SocketIOClient 4 for .NET, Elephant.io 4), and `52` is `5` (Best HTTP)."""
    session = await echo.open_polling()
    websocket = await session.probe()
    await websocket.send(*steps, "4hello")
    received = [await websocket.text() for _ in steps]
    assert received[-1] == "4hello"


async def test_a_message_in_many_fragments(echo: Target) -> None:
    """RFC 6455, section 5.4: "a message consists of ... zero or more frames". By bytes a client may send it."""
    websocket = await echo.open_websocket()
    text = "4" + "x" * 990_000
    pieces = [text[start : start + 960] for start in range(0, len(text), 960)]
    await websocket.send_fragments(pieces)
    assert await websocket.text() == text


async def test_nothing_is_lost_or_reordered_by_an_upgrade(echo: Target) -> None:
    """Upgrade: "to ensure that no packet gets lost"."""
    session = await echo.open_polling()
    await session.post("41")
    websocket = await session.probe()
    await websocket.send("2probe")
    assert await websocket.text() == "3probe"
    await session.post("42")
    await websocket.send("5", "43")
    assert [await websocket.text() for _ in range(3)] == ["41", "42", "43"]


async def test_after_the_upgrade_http_is_400(echo: Target) -> None:
    """Node: the session has another transport now. The session goes on."""
    session = await echo.open_polling()
    websocket = await session.probe()
    await websocket.send("2probe")
    assert await websocket.text() == "3probe"
    await websocket.send("5")
    assert (await session.get()).status == 400
    assert (await session.post("4hello")).status == 400
    await websocket.send("4still here")
    assert await websocket.text() == "4still here"


async def test_a_second_websocket_is_accepted_and_closed(echo: Target) -> None:
    """WebSocket: "A client MUST NOT open more than one WebSocket connection per session. Should it happen, the server
    MUST close the WebSocket connection". An HTTP refusal instead fails the official suite.
    """
    session = await echo.open_polling()
    first = await session.probe()
    await first.send("2probe")
    assert await first.text() == "3probe"
    await first.send("5")
    second = await session.probe()
    assert await second.closing() != 1006
    await first.send("4still here")
    assert await first.text() == "4still here"


async def test_a_websocket_that_does_not_probe_is_closed_and_polling_goes_on(echo: Target) -> None:
    """Upgrade: the client MUST "send a `ping` packet with the string `probe` in the payload"."""
    session = await echo.open_polling()
    websocket = await session.probe()
    await websocket.send("4hello")
    assert await websocket.closing() != 1006
    await session.post("4by polling")
    assert await session.packets() == ["4by polling"]


async def test_an_upgrade_may_be_tried_again(echo: Target) -> None:
    """Node: a failed probe costs its WebSocket and nothing else."""
    session = await echo.open_polling()
    lost = await session.probe()
    await lost.send("2probe")
    assert await lost.text() == "3probe"
    await lost.stream.aclose()
    with trio.fail_after(SOON_SECONDS):
        while True:
            websocket = await session.probe()
            await websocket.send("2probe")
            try:
                assert await websocket.text() == "3probe"
                break
            except Closed:  # the server has not noticed yet that the first one is gone
                continue
    await websocket.send("5", "4hello")
    assert await websocket.text() == "4hello"
