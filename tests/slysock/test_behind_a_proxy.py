"""What a front does for whoever stands before it: names, paths, health, the internal listener, clients of proxies."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from slysock import Config, Router, Server, Socket
from slysock.asgi import AppWithoutHealth, HealthCheck, Receive, Scope, Send
from slysock.config import TransportName
from slysock.front import FULL_WARNING_SECONDS
from slysock.http.listeners import bind_tcp
from tests.slysock.ports import listening, talk
from tests.slysock.serving import both, logged, serving

# ---- names, and paths as they are spelt ------------------------------------------------------------------------------


async def test_under_a_name_that_is_not_listed_nothing_is_answered_but_health(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(allowed_hosts=["memory"], trusted_proxies=["192.0.2.1"])) as memory:
        evil = [("x-forwarded-host", "evil.example")]
        poll = "/socket.io/?EIO=4&transport=polling"
        assert (await memory.request("GET", poll, headers=evil)).status == 421
        assert (await memory.request("GET", "/elsewhere", headers=evil)).status == 421
        assert (await memory.request("GET", "/healthz", headers=evil)).status == 200
        assert (await memory.request("GET", "/readyz", headers=evil)).status == 200
        assert (await memory.request("GET", poll)).status == 200
        assert (await memory.request("GET", "/elsewhere")).status == 404


@pytest.mark.parametrize(
    "path", ["//healthz", "/healthz/", "/%68ealthz", "/./healthz", "//readyz", "/readyz/", "/%72eadyz"]
)
async def test_health_has_one_spelling(path: str, autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        assert (await memory.request("GET", path)).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/socket.io/", 200),
        ("/socket.io", 200),
        ("//socket.io/", 404),
        ("/socket.io//", 404),
        ("/%73ocket.io/", 404),
        ("/x/../socket.io/", 404),
    ],
)
async def test_engine_io_has_the_spelling_that_clients_send(path: str, status: int, autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        assert (await memory.request("GET", f"{path}?EIO=4&transport=polling")).status == status


# ---- health of an application, and inside ----------------------------------------------------------------------------


async def with_health(scope: Scope, receive: Receive, send: Send) -> None:
    """An application with a health check of its own; nothing is at other paths."""
    status = 299 if scope["type"] == "http" and scope["path"] in ("/healthz", "/own") else 404
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


async def test_an_applications_own_health_goes_first_and_ours_where_it_has_none(autojump_clock: MockClock) -> None:
    async with serving(Router(), app=with_health) as memory:
        assert (await memory.request("GET", "/healthz")).status == 299
        assert (await memory.request("GET", "/readyz")).body == b'{"ready":true}'
        assert (await memory.request("HEAD", "/readyz")).body == b""


async def test_an_application_that_has_no_health_is_not_asked(autojump_clock: MockClock) -> None:
    asked = list[object]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope.get("path"))
        await with_health(scope, receive, send)

    async with serving(Router(), app=AppWithoutHealth(app)) as memory:
        assert (await memory.request("GET", "/healthz")).body == b'{"status":"ok"}'
        assert (await memory.request("GET", "/own")).status == 299
    assert asked == [None, "/own"]


async def test_readiness_asks_what_was_added(autojump_clock: MockClock) -> None:
    async def fail() -> bool:
        await trio.lowlevel.checkpoint()
        return False

    async with serving(Router()) as memory:
        memory.server.add_check(HealthCheck(name="disk", look=fail))
        answer = await memory.request("GET", "/readyz")
        assert (answer.status, answer.body) == (503, b'{"ready":false,"failed":["disk"]}')


async def status_at(url: str, path: str) -> int:
    """Ask for a path at a listener."""
    async with await open_at(url) as stream:
        answer = await talk(stream, f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        return int(answer.split()[1])


async def open_at(url: str) -> trio.SocketStream:
    if url.startswith("/"):
        return await trio.open_unix_socket(url)
    return await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))


async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
    """An application for monitoring."""
    if scope["type"] == "http":
        status = 200 if scope["path"] == "/metrics" else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@pytest.mark.port
@pytest.mark.parametrize("where", ["127.0.0.1:0", "unix"])
async def test_what_is_answered_inside_is_answered_nowhere_else(where: str, tmp_path: Path) -> None:
    internal = str(tmp_path / "internal") if where == "unix" else where
    server = Server(Router(), app=with_health, internal_app=metrics)
    async with listening(server, internal=internal) as found:
        assert found.internal is not None
        inside = {path: await status_at(found.internal.url, path) for path in ("/healthz", "/readyz", "/metrics")}
        assert inside == {"/healthz": 200, "/readyz": 200, "/metrics": 200}
        for path in ("/own", "/socket.io/?EIO=4&transport=polling", "//metrics", "/metrics/"):
            assert await status_at(found.internal.url, path) == 404
        outside = {path: await status_at(found.url, path) for path in ("/healthz", "/readyz", "/metrics", "/own")}
        assert outside == {"/healthz": 299, "/readyz": 404, "/metrics": 404, "/own": 299}


@pytest.mark.port
async def test_monitoring_is_answered_when_there_is_no_room_for_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.front.MAX_INTERNAL_CONNECTIONS", 2)
    async with listening(Server(Router(), config=Config(max_connections=1)), internal="127.0.0.1:0") as found:
        assert found.internal is not None
        held = [await open_at(found.url), await open_at(found.internal.url)]
        for stream in held:
            await talk(stream, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await status_at(found.internal.url, "/healthz") == 200
        held.append(await open_at(found.internal.url))
        await talk(held[-1], b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await is_closed(await open_at(found.internal.url))
        for stream in held:
            await stream.aclose()


async def is_closed(stream: trio.SocketStream) -> bool:
    """Tell whether the other side closes without a word."""
    async with stream:
        try:
            return await stream.receive_some() == b""
        except trio.BrokenResourceError:
            return True


@pytest.mark.port
async def test_an_internal_address_that_is_none_or_in_use_is_refused() -> None:
    with pytest.raises(ValueError, match="no address"):
        await Server(Router()).serve("127.0.0.1", 0, internal="9000")
    (taken,) = await bind_tcp("127.0.0.1", 0)
    with taken, pytest.raises(OSError, match="in use"):
        await Server(Router()).serve("127.0.0.1", 0, internal=f"127.0.0.1:{taken.getsockname()[1]}")


# ---- clients behind proxies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "expected"), [(["192.0.2.0/24"], ("198.51.100.7", True, False)), ([], ("192.0.2.1", False, True))]
)
@both
async def test_a_handshake_tells_of_the_client_behind_a_proxy(
    transport: TransportName, proxies: list[str], expected: tuple[str, bool, bool], autojump_clock: MockClock
) -> None:
    root, told = Router(), list[tuple[str, bool, bool]]()

    @root.on_connect
    def connected(socket: Socket) -> None:
        shake = socket.handshake
        told.append((shake.address, shake.secure, shake.cross_origin))

    headers = [
        ("forwarded", "for=198.51.100.7;proto=https;host=Shop.example:443"),
        ("origin", "https://shop.example"),
    ]
    async with serving(root, config=Config(trusted_proxies=proxies)) as memory:
        await memory.connect(transport=transport, headers=headers)
        assert told == [expected]


# ---- what the operator is told ---------------------------------------------------------------------------------------


async def test_a_name_that_is_not_listed_is_a_refusal_with_its_reason(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "slysock")
    async with serving(Router(), config=Config(allowed_hosts=["shop.example"])) as memory:
        assert (await memory.request("GET", "/docs")).status == 421
    assert "refused, host: 'memory' is not in allowed_hosts" in caplog.messages


async def test_a_server_that_is_full_says_so_now_and_then(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Router(), config=Config(max_connections=1)) as memory:
        await memory.open_engine("polling")
        poll = "/socket.io/?EIO=4&transport=polling"
        for seconds, expected in ((0, 1), (0, 1), (FULL_WARNING_SECONDS - 1, 1), (1, 2)):
            await trio.sleep(seconds)
            assert (await memory.request("GET", poll)).status == 503
            assert logged(caplog) == ["max_connections (1) is reached: new clients are refused"] * expected


async def test_a_server_that_stops_is_not_full(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Router()) as memory:
        memory.server.stop()
        assert (await memory.request("GET", "/socket.io/?EIO=4&transport=polling")).status == 503
    assert logged(caplog) == []
