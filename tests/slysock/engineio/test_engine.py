"""Engine.IO on HTTP: what each request is answered, and what it does to its session."""

import json

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.ids import DisconnectReason
from slysock.testing import Closed, Memory, PollingClient, Response
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import serving

OPEN = "/socket.io/?EIO=4&transport=polling"
UPGRADE = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
ERRORS = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version",
}


def reasons() -> tuple[Router, list[DisconnectReason]]:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log


class Quiet:
    """A polling session that polls only when told to."""

    def __init__(self, memory: Memory, sid: str) -> None:
        self.memory = memory
        self.target = f"{OPEN}&sid={sid}"

    async def get(self, **options: object) -> Response:
        return await self.memory.request("GET", self.target, **options)  # type: ignore[arg-type]  # headers

    async def post(self, body: bytes) -> Response:
        return await self.memory.request("POST", self.target, body=body)


async def quiet(memory: Memory, *, join: bool = True) -> Quiet:
    response = await memory.request("GET", OPEN)
    assert response.status == 200
    session = Quiet(memory, json.loads(response.body[1:])["sid"])
    if join:
        assert (await session.post(b"40")).body == b"ok"
        assert (await session.get()).body.startswith(b"40{")
    return session


async def test_the_handshake_says_what_clients_expect(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        response = await memory.request("GET", OPEN)
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"
        handshake = json.loads(response.body[1:])
        assert len(handshake.pop("sid")) == 20
        assert handshake == {
            "upgrades": ["websocket"],
            "pingInterval": 25000,
            "pingTimeout": 20000,
            "maxPayload": 1000000,
        }


@pytest.mark.parametrize(
    ("method", "target", "headers", "code"),
    [
        ("GET", "/socket.io/?EIO=4", [], 0),
        ("GET", "/socket.io/?EIO=4&transport=webtransport", [], 0),
        ("GET", "/socket.io/?EIO=4&transport=websocket&transport=x", [], 0),
        ("GET", f"{OPEN}&sid=unknown", [], 1),
        ("POST", f"{OPEN}&sid=unknown", [], 1),
        ("GET", "/socket.io/?EIO=4&transport=websocket&sid=unknown", UPGRADE, 1),
        ("POST", OPEN, [], 2),
        ("PUT", OPEN, [], 2),
        ("HEAD", OPEN, [], 2),
        ("GET", "/socket.io/?EIO=4&transport=websocket", [], 3),
        ("GET", OPEN, UPGRADE, 3),
        ("GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE[:2], 3),
        ("GET", "/socket.io/?EIO=4&transport=websocket", [*UPGRADE[:2], ("sec-websocket-version", "8")], 3),
        ("GET", "/socket.io/?EIO=4&transport=websocket", [*UPGRADE[:3], ("sec-websocket-key", "no key")], 3),
        ("GET", "/socket.io/?" + "&".join("a" * 101), [], 3),
        ("GET", "/socket.io/?transport=polling", [], 5),
        ("GET", "/socket.io/?EIO=3&transport=polling", [], 5),
        ("GET", "/socket.io/?EIO=3&transport=websocket", UPGRADE, 5),
    ],
)
async def test_what_is_wrong_is_answered_with_engine_ios_errors(
    autojump_clock: MockClock, method: str, target: str, headers: list[tuple[str, str]], code: int
) -> None:
    async with serving(Router()) as memory:
        if method == "HEAD":
            stream = memory.open()
            await stream.send_all(f"HEAD {target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            assert b" 400 " in await stream.receive_some()
            return
        response = await memory.request(method, target, headers=headers)
        assert response.status == 400
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body) == {"code": code, "message": ERRORS[code]}
        assert memory.server.statistics().connections == 0


@pytest.mark.parametrize(("transports", "other"), [(["polling"], "websocket"), (["websocket"], "polling")])
async def test_a_transport_that_is_not_allowed_is_unknown(
    autojump_clock: MockClock, transports: list[str], other: str
) -> None:
    async with serving(Router(), config=Config(transports=transports)) as memory:  # type: ignore[arg-type]  # names
        target = f"/socket.io/?EIO=4&transport={other}"
        response = await memory.request("GET", target, headers=UPGRADE if other == "websocket" else [])
        assert json.loads(response.body)["code"] == 0


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/chat", "/chat/"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_slash_at_the_end_of_the_path_makes_no_difference(
    autojump_clock: MockClock, path: str, slash: str
) -> None:
    async with serving(Router(), config=Config(path=path)) as memory:
        target = f"{path.rstrip('/')}{slash}?EIO=4&transport=polling"
        assert (await memory.request("GET", target)).status == 200
        assert (await memory.request("GET", f"{path.rstrip('/')}x{slash}")).status == 404


# ---- CORS -----------------------------------------------------------------------------------------------------------


async def test_a_page_of_another_origin_is_refused_on_both_transports(autojump_clock: MockClock) -> None:
    evil = ("origin", "https://evil.example")
    async with serving(Router(), config=Config(cors_origins=["https://page.example"])) as memory:
        for target, headers in [(OPEN, [evil]), ("/socket.io/?EIO=4&transport=websocket", [*UPGRADE, evil])]:
            for method in ("GET", "OPTIONS"):
                response = await memory.request(method, target, headers=headers)
                assert response.status == 403
                assert json.loads(response.body) == {"code": 4, "message": "Forbidden"}
                assert "access-control-allow-origin" not in response.headers
        assert (await memory.request("GET", OPEN, headers=[("origin", "https://page.example")])).status == 200


async def test_every_answer_carries_the_cors_headers(autojump_clock: MockClock) -> None:
    origin = [("origin", "https://page.example")]
    async with serving(Router()) as memory:
        for method, target, status in [
            ("GET", OPEN, 200),
            ("GET", f"{OPEN}&sid=x", 400),
            ("OPTIONS", OPEN, 204),
            ("POST", OPEN, 400),
        ]:
            response = await memory.request(method, target, headers=origin)
            assert (response.status, response.headers["access-control-allow-origin"]) == (status, "*")


# ---- polls ----------------------------------------------------------------------------------------------------------


async def test_two_polls_at_once_close_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        bodies: list[bytes] = []
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                bodies.append((await session.get()).body)

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            nursery.start_soon(poll)
        assert sorted(bodies) == [b"1", b'{"code":3,"message":"Bad request"}']
        assert log == ["transport error"]
        assert json.loads((await session.get()).body)["code"] == 1


async def test_a_client_that_gives_its_poll_up_is_gone(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await trio.sleep(1)
        assert log == ["transport error"]


async def test_a_poll_whose_answer_cannot_be_delivered_ends_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(write_timeout_seconds=3)) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"GET {session.target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await wait_all_tasks_blocked()
        memory.server.of("/").emit("news")
        await trio.sleep(4)
        assert log == ["transport error"]


async def test_last_words_wait_for_one_more_poll_and_not_for_ever(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session, other = await quiet(memory), await quiet(memory)
        memory.server.of("/").emit("bye")
        memory.server.of("/").volatile.disconnect(close=True)
        for refused in (
            await session.post(b'42["event"]'),
            await memory.request("GET", session.target.replace("polling", "websocket"), headers=UPGRADE),
        ):
            assert json.loads(refused.body)["code"] == 1
        assert (await session.get()).body == b'42["bye"]\x1e41\x1e1'
        assert json.loads((await session.get()).body)["code"] == 1
        assert memory.server.statistics().lingering == 1
        await trio.sleep(31)
        assert memory.server.statistics().lingering == 0
        assert json.loads((await other.get()).body)["code"] == 1
        assert log == ["server namespace disconnect"] * 2


async def test_a_large_answer_is_compressed_for_those_who_take_it(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server.of("/").emit("news", "x" * 5000)
        response = await session.get(headers=[("accept-encoding", "gzip")])
        assert response.headers["content-encoding"] == "gzip"
        assert len(response.body) < 500


async def test_a_client_that_does_not_poll_is_a_slow_consumer_in_the_end(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(max_outbox_bytes=1000)) as memory:
        await quiet(memory)
        for _ in range(5):
            memory.server.of("/").emit("news", "x" * 300)
        assert log == [], "not in the middle of a broadcast"
        await wait_all_tasks_blocked()
        await trio.sleep(0.01)
        assert log == ["slow consumer"]


# ---- posts ----------------------------------------------------------------------------------------------------------


async def test_two_posts_at_once_close_the_session(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"POST {session.target} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n4".encode())
        await wait_all_tasks_blocked()
        assert json.loads((await session.post(b"3")).body)["code"] == 3
        assert log == ["transport error"]


async def test_a_body_over_the_limit_is_answered_413_and_closes(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(max_payload_bytes=100)) as memory:
        session = await quiet(memory)
        assert (await session.post(b"4" * 101)).status == 413
        assert log == ["transport error"]


@pytest.mark.parametrize("stalls", [False, True])
async def test_a_post_that_is_broken_off_closes_the_session(autojump_clock: MockClock, stalls: bool) -> None:
    root, log = reasons()
    async with serving(root, config=Config(request_body_seconds=3)) as memory:
        session = await quiet(memory)
        stream = memory.open()
        await stream.send_all(f"POST {session.target} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n4".encode())
        if stalls:
            assert b" 408 " in await stream.receive_some()
        else:
            await trio.aclose_forcefully(stream)
        await trio.sleep(1)
        assert log == ["transport error"]


@pytest.mark.parametrize("body", [b"", b"x", b"4\x1e9", b"40\x1e\xff", b"b!", b"2"])
async def test_a_body_that_breaks_the_protocol_is_a_bad_request_and_closes(
    autojump_clock: MockClock, body: bytes
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        response = await session.post(body)
        assert (response.status, json.loads(response.body)["code"]) == (400, 3)
        assert log == ["parse error"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_bad_requests_and_change_nothing(autojump_clock: MockClock, method: str) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        response = await memory.request(method, session.target)
        assert (response.status, json.loads(response.body)["code"]) == (400, 3)
        assert log == []
        assert (await session.post(b"3")).body == b"ok"


async def test_packets_of_one_post_are_handled_in_order(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[object]()
    root.on_any(lambda socket, event, args: seen.append(args[0]))
    async with serving(root) as memory:
        session = await quiet(memory)
        body = b"\x1e".join(b'42["n",%d]' % number for number in range(3000))
        assert (await session.post(body)).body == b"ok"
        assert seen == list(range(3000))


@pytest.mark.parametrize("close", [False, True])
async def test_a_post_whose_handler_sends_the_client_away_was_no_bad_request(
    autojump_clock: MockClock, close: bool
) -> None:
    root, _ = reasons()

    @root.on("leave")
    def leave(socket: Socket) -> None:
        socket.disconnect(close=close)

    async with serving(root) as memory:
        session = await quiet(memory)
        assert (await session.post(b'42["leave"]\x1e42["late"]')).body == b"ok"
        assert (await session.get()).body == (b"41\x1e1" if close else b"41")


async def test_a_client_that_says_close_ends_its_poll(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session = await quiet(memory)
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                assert (await session.get()).body == b"6"

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            assert (await session.post(b"1")).body == b"ok"
        assert log == ["transport close"]


# ---- limits and the end ---------------------------------------------------------------------------------------------


async def test_sessions_are_bounded_however_few_connections_they_take(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_connections=3)) as memory:
        statuses = [(await memory.request("GET", OPEN)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 503, 503]


async def test_no_session_is_opened_once_the_server_stops(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server._front.engine.sessions.accepting = False
        assert (await memory.request("GET", OPEN)).status == 503
        assert (await memory.request("GET", OPEN.replace("polling", "websocket"), headers=UPGRADE)).status == 503
        assert (await session.post(b"3")).body == b"ok", "those that are open go on"


async def test_a_session_stays_with_polling_where_websocket_was_never_asked_for(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await memory.open_engine("polling")
        assert isinstance(engine, PollingClient)
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data.startswith(b"0{")
        with pytest.raises(Closed):
            await memory.open_engine("polling", query={"EIO": "3"})
