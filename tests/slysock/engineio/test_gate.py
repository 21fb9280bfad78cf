"""What an application's hooks do to requests: by polling and by WebSocket, of new sessions and of open ones."""

from typing import Final

import pytest
import trio
from trio.testing import MockClock

from slysock import AnswerHeaders, Config, ConnectionRefused, EngineHooks, EngineRequest, RefusedRequest, Router
from slysock.config import TransportName
from slysock.testing import Memory
from tests.slysock.engineio.frames import HANDSHAKE, Raw
from tests.slysock.serving import both, logged, serving

OPENING: Final = "/socket.io/?EIO=4&transport=polling"
FORBIDDEN: Final = '{"code":4,"message":"Forbidden"}'


async def refusal_of(memory: Memory, transport: TransportName) -> tuple[int, str]:
    """Be refused a session."""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
    target = f"/socket.io/?EIO=4&transport={transport}"
    answer = await memory.request("GET", target, headers=headers if transport == "websocket" else ())
    return answer.status, answer.body.decode()


async def session_of(memory: Memory) -> str:
    """Open a session by polling."""
    opened = await memory.request("GET", OPENING)
    assert opened.status == 200
    sid = opened.body.decode().split('"')[3]
    return f"{OPENING}&sid={sid}"


# ---- allow_request --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("answer", [None, True])
@pytest.mark.parametrize("waiting", [True, False])
async def test_whoever_is_allowed_comes_in(
    transport: TransportName, answer: bool | None, waiting: bool, autojump_clock: MockClock
) -> None:
    hooks, asked = EngineHooks(), list[EngineRequest]()

    def allow(request: EngineRequest) -> bool | None:
        asked.append(request)
        return answer

    async def allow_later(request: EngineRequest) -> bool | None:
        await trio.sleep(1)
        return allow(request)

    hooks.allow_request(allow_later if waiting else allow)
    async with serving(Router(), hooks=hooks) as memory:
        client = await memory.connect(transport=transport, headers=[("X-Key", "k")], query={"room": "1"})
        assert client.id
        (request,) = asked  # once for a session, however many requests it is made of
        assert (request.method, request.is_handshake, request.address) == ("GET", True, "192.0.2.1")
        assert (request.headers["x-key"], request.query["room"], request.query["transport"]) == ("k", "1", transport)


@both
@pytest.mark.parametrize("waiting", [True, False])
async def test_false_is_forbidden(transport: TransportName, waiting: bool, autojump_clock: MockClock) -> None:
    hooks = EngineHooks()

    async def no_later(request: EngineRequest) -> bool:
        await trio.sleep(1)
        return False

    hooks.allow_request(no_later if waiting else (lambda request: False))
    async with serving(Router(), hooks=hooks) as memory:
        assert await refusal_of(memory, transport) == (403, FORBIDDEN)
        assert memory.server.statistics().connections == 0


@both
async def test_a_refusal_has_its_message(transport: TransportName, autojump_clock: MockClock) -> None:
    hooks = EngineHooks()

    @hooks.allow_request
    def refuse(request: EngineRequest) -> None:
        raise ConnectionRefused("closed for today")

    async with serving(Router(), hooks=hooks) as memory:
        assert await refusal_of(memory, transport) == (403, '{"code":4,"message":"closed for today"}')


@both
@pytest.mark.parametrize("of_requests", [True, False])
async def test_a_refusal_out_of_a_nursery_is_one(
    transport: TransportName, of_requests: bool, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = EngineHooks()

    async def refuse(*_: object) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise ConnectionRefused("closed for today")

    if of_requests:
        hooks.use(refuse)
    else:
        hooks.allow_request(refuse)
    async with serving(Router(), hooks=hooks) as memory:
        assert await refusal_of(memory, transport) == (403, '{"code":4,"message":"closed for today"}')
    assert logged(caplog) == []


@both
@pytest.mark.parametrize("answer", [0, "", "no", 1, ValueError("secret")], ids=repr)
async def test_what_is_neither_yes_nor_no_keeps_out_and_is_logged(
    transport: TransportName, answer: object, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = EngineHooks()

    @hooks.allow_request
    def judge(request: EngineRequest) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with serving(Router(), hooks=hooks) as memory:
        assert await refusal_of(memory, transport) == (400, '{"code":3,"message":"Bad request"}')
    assert [text.rpartition(".")[2] for text in logged(caplog)] == ["judge failed"]


@pytest.mark.parametrize(("seconds", "status"), [(22, 200), (23, 400)])
async def test_hooks_have_as_long_as_a_client_may_take_to_join(
    seconds: float, status: int, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = EngineHooks()

    async def think(request: EngineRequest) -> None:
        await trio.sleep(seconds)

    hooks.allow_request(think)
    hooks.allow_request(think)
    async with serving(Router(), hooks=hooks) as memory:
        assert (await memory.request("GET", OPENING)).status == status


async def test_the_first_no_of_several_hooks_counts(autojump_clock: MockClock) -> None:
    hooks, asked = EngineHooks(), list[int]()

    @hooks.allow_request
    def one(request: EngineRequest) -> None:
        asked.append(1)

    @hooks.allow_request
    def two(request: EngineRequest) -> bool:
        asked.append(2)
        return False

    @hooks.allow_request
    def three(request: EngineRequest) -> None:
        asked.append(3)

    async with serving(Router(), hooks=hooks) as memory:
        assert (await memory.request("GET", OPENING)).status == 403
    assert asked == [1, 2]


async def test_nobody_is_asked_about_a_request_that_is_wrong_anyway_nor_about_an_open_session(
    autojump_clock: MockClock,
) -> None:
    hooks, asked = EngineHooks(), list[EngineRequest]()
    hooks.allow_request(asked.append)
    async with serving(Router(), hooks=hooks, config=Config(cors_origins=["https://shop.example"])) as memory:
        assert (await memory.request("GET", OPENING.replace("EIO=4", "EIO=3"))).status == 400
        assert (await memory.request("GET", f"{OPENING}&sid=unknown")).status == 400
        assert (await memory.request("POST", OPENING, body=b"x")).status == 400
        assert (await memory.request("GET", OPENING, headers=[("Origin", "https://other.example")])).status == 403
        assert (await memory.request("OPTIONS", OPENING)).status == 204
        assert asked == []
        session = await session_of(memory)
        assert (await memory.request("POST", session, body=b"40")).status == 200
        assert (await memory.request("GET", session)).status == 200
        assert len(asked) == 1


# ---- middleware -----------------------------------------------------------------------------------------------------


async def test_middleware_sees_every_request_and_its_headers_are_on_every_answer(autojump_clock: MockClock) -> None:
    hooks, seen = EngineHooks(), list[tuple[str, bool]]()

    @hooks.use
    async def trace(request: EngineRequest, headers: AnswerHeaders) -> None:
        await trio.sleep(0.1)
        seen.append((request.method, request.is_handshake))
        headers["X-Trace"] = str(len(seen))

    async with serving(Router(), hooks=hooks) as memory:
        session = await session_of(memory)
        answers = [
            await memory.request("POST", session, body=b"40"),
            await memory.request("GET", session),
            await memory.request("GET", f"{OPENING}&sid=unknown"),
        ]
        assert [(answer.status, answer.headers["x-trace"]) for answer in answers] == [
            (200, "2"),
            (200, "3"),
            (400, "4"),
        ]
        assert seen == [("GET", True), ("POST", False), ("GET", False), ("GET", False)]


@both
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefused("too many of you"), (403, '{"code":4,"message":"too many of you"}')),
        (ConnectionRefused(""), (403, FORBIDDEN)),
        (KeyError("secret"), (400, '{"code":3,"message":"Bad request"}')),
    ],
    ids=repr,
)
async def test_middleware_may_refuse_any_request(
    transport: TransportName,
    error: Exception,
    expected: tuple[int, str],
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks, refusing = EngineHooks(), [True]

    @hooks.use
    def judge(request: EngineRequest, headers: AnswerHeaders) -> None:
        headers["Retry-After"] = "60"
        if refusing[0]:
            raise error

    async with serving(Router(), hooks=hooks) as memory:
        assert await refusal_of(memory, transport) == expected
        refusing[0] = False
        session = await session_of(memory)
        refusing[0] = True
        answer = await memory.request("POST", session, body=b"40")
        assert (answer.status, answer.headers["retry-after"]) == (expected[0], "60")
        assert memory.server.statistics().connections == 1  # the session is none the worse for it
        refusing[0] = False
        assert (await memory.request("POST", session, body=b"1")).status == 200
    assert "secret" not in "".join(logged(caplog))


# ---- headers --------------------------------------------------------------------------------------------------------


def adding() -> EngineHooks:
    """Hooks that add to the first and to all answers."""
    hooks = EngineHooks()

    @hooks.on_initial_headers
    def first(request: EngineRequest, headers: AnswerHeaders) -> None:
        headers["Set-Cookie"] = ["a=1; Path=/", "b=2"]

    @hooks.on_headers
    def every(request: EngineRequest, headers: AnswerHeaders) -> None:
        headers["X-Server"] = f"one {request.query['transport']}"

    return hooks


async def test_the_first_answer_and_all_answers_by_polling_have_their_headers(autojump_clock: MockClock) -> None:
    async with serving(Router(), hooks=adding()) as memory:
        session = await session_of(memory)
        for answer in (await memory.request("POST", session, body=b"40"), await memory.request("GET", session)):
            assert answer.headers["x-server"] == "one polling"
            assert "set-cookie" not in answer.headers
        refused = await memory.request("GET", f"{OPENING}&sid=unknown")
        assert "x-server" not in refused.headers
        raw = Raw(memory.open())
        await raw.send(f"GET {OPENING} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        head = await raw.head()
        assert head.lower().count(b"set-cookie: ") == 2
        assert b"a=1; Path=/\r\n" in head
        await raw.stream.aclose()


async def test_the_answer_that_opens_a_websocket_has_them_too(autojump_clock: MockClock) -> None:
    async with serving(Router(), hooks=adding()) as memory:
        client = Raw(memory.open())
        await client.send(HANDSHAKE)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Server: one websocket\r\n\r\n" in head
        assert (await client.next())[1].startswith(b'0{"sid"')
        await client.stream.aclose()


async def test_an_upgrade_is_not_the_first_answer(autojump_clock: MockClock) -> None:
    async with serving(Router(), hooks=adding()) as memory:
        sid = (await session_of(memory)).rpartition("=")[2]
        client = Raw(memory.open())
        await client.send(HANDSHAKE.replace(b"transport=websocket", b"transport=websocket&sid=" + sid.encode()))
        head = await client.head()
        assert b"X-Server: one websocket" in head
        assert b"Set-Cookie" not in head
        await client.stream.aclose()


@pytest.mark.parametrize(
    "bad",
    [
        {"X-A": "split\r\nX-B: in two"},
        {"X-A": "\n"},
        {"X-A": "nul\x00"},
        {"X-A": "\N{SNOWMAN}"},
        {"X-A": " blanks around "},
        {"X A": "1"},
        {"": "1"},
        {"X-A:": "1"},
        {"Content-Length": "0"},
        {"transfer-encoding": "chunked"},
        {"Connection": "close"},
        {"upgrade": "h2c"},
        {"Content-Type": "text/html"},
        {"Sec-WebSocket-Accept": "x"},
        {"Date": "today"},
        {"Access-Control-Allow-Origin": "*"},
        {"X-A": 5},
        {"X-A": [5]},
        {5: "x"},
        {"X-A": ["fine", "not\rfine"]},
    ],
    ids=repr,
)
async def test_headers_that_cannot_be_sent_are_logged_and_left_out(
    bad: AnswerHeaders, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = EngineHooks()
    hooks.on_headers(lambda request, headers: headers.update(bad))
    hooks.on_headers(lambda request, headers: headers.update({"X-Good": ""}))
    hooks.use(lambda request, headers: headers.update(bad))
    async with serving(Router(), hooks=hooks) as memory:
        answer = await memory.request("GET", OPENING)
        assert (answer.status, answer.headers["x-good"]) == (200, "")
        assert "x-a" not in answer.headers
        client = Raw(memory.open())
        await client.send(HANDSHAKE)
        assert (await client.head()).endswith(b"\r\nX-Good: \r\n\r\n")
        await client.stream.aclose()
    assert len(logged(caplog)) == 4


async def test_a_hook_that_fails_at_an_answer_does_it_no_harm(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = EngineHooks()

    @hooks.on_headers
    def fail(request: EngineRequest, headers: AnswerHeaders) -> None:
        raise ValueError("secret")

    async with serving(Router(), hooks=hooks) as memory:
        assert (await memory.request("GET", OPENING)).status == 200
    assert [text.rpartition(".")[2] for text in logged(caplog)] == ["fail failed"]


# ---- connection_error -----------------------------------------------------------------------------------------------


async def test_whatever_is_refused_is_told_with_its_request_and_why(autojump_clock: MockClock) -> None:
    hooks, told = EngineHooks(), list[RefusedRequest]()
    hooks.on_connection_error(told.append)
    hooks.allow_request(lambda request: request.query.get("key") == "k")
    config = Config(cors_origins=["https://shop.example"], max_connections=1, transports=["polling"])
    async with serving(Router(), hooks=hooks, config=config) as memory:
        open_one = f"{OPENING}&key=k"
        statuses = [
            (await memory.request(method, target, headers=headers, body=body)).status
            for method, target, headers, body in (
                ("GET", "/socket.io/?EIO=4&transport=carrier", (), b""),
                ("GET", "/socket.io/?EIO=4&transport=websocket", (), b""),
                ("GET", f"{OPENING}&sid=none", (), b""),
                ("POST", OPENING, (), b"40"),
                ("GET", OPENING + "&x" * 200, (), b""),
                ("GET", OPENING, (), b""),
                ("GET", OPENING, [("Origin", "https://other.example")], b""),
                ("GET", OPENING.replace("EIO=4", "EIO=3"), (), b""),
                ("GET", open_one, (), b""),
                ("GET", open_one, (), b""),
            )
        ]
        assert statuses == [400, 400, 400, 400, 400, 403, 403, 400, 200, 503]
        assert [(refused.code, refused.reason) for refused in told] == [
            (0, "transport"),
            (0, "transport"),
            (1, "sid"),
            (2, "method"),
            (3, "request"),
            (4, "hook"),
            (4, "origin"),
            (5, "EIO"),
            (None, "capacity"),
        ]
        assert [refused.status for refused in told] == [status for status in statuses if status != 200]
        assert told[3].request.method == "POST"
        assert told[6].request.headers["origin"] == "https://other.example"
        assert (told[0].message, told[8].message) == ("Transport unknown", "")


async def test_a_hook_that_fails_at_a_refusal_does_it_no_harm(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    hooks, told = EngineHooks(), list[RefusedRequest]()

    @hooks.on_connection_error
    def fail(refused: RefusedRequest) -> None:
        raise ValueError(refused.reason)

    hooks.on_connection_error(told.append)
    async with serving(Router(), hooks=hooks) as memory:
        assert (await memory.request("GET", f"{OPENING}&sid=none")).status == 400
    assert len(told) == 1
    assert [text.rpartition(".")[2] for text in logged(caplog)] == ["fail failed"]
