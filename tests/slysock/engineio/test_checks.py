"""What is wrong with an Engine.IO request, and how it is said."""

import json

import pytest
from trio.testing import MockClock

from slysock import Config, Router
from slysock.engineio.checks import Query, check_request
from tests.slysock.engineio.polls import ERRORS, OPEN, UPGRADE
from tests.slysock.http.peer import arrived
from tests.slysock.serving import serving


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
        ("POST", f"{OPEN}&sid=", [], 2),
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


@pytest.mark.parametrize(
    ("target", "headers", "query"),
    [
        ("?EIO=4&transport=polling&t=x", [], Query({"EIO": "4", "transport": "polling", "t": "x"}, "polling", None)),
        ("?EIO=4&transport=websocket", UPGRADE, Query({"EIO": "4", "transport": "websocket"}, "websocket", None)),
        ("?EIO=4&transport=polling&sid=s", [], Query({"EIO": "4", "transport": "polling", "sid": "s"}, "polling", "s")),
    ],
)
async def test_what_is_right_is_read(target: str, headers: list[tuple[str, str]], query: Query) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    _, _, request = await arrived(f"GET /socket.io/{target} HTTP/1.1\r\nhost: a\r\n{lines}\r\n".encode())
    assert check_request(request, Config(), lambda sid: sid == "s") == query
