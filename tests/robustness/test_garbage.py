"""Random garbage, at every level at which bytes come in: the server logs no failure and keeps serving.

Derandomized, so that every run tries the same. What ends a session is not of interest here; that nothing else ends is.
"""

from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from slysock import Config
from slysock.config import ParserName
from tests.robustness.conftest import ours
from tests.robustness.scene import POLLING, QUIET, WEBSOCKET, Scene, packed, scene
from tests.robustness.wire import Message, WebSocketPeer, frame, message_frame, opening_bytes, request_bytes

GARBAGE = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Offend = Callable[[Scene], Awaitable[None]]

TARGETS = [
    "/",
    "/socket.io",
    "/healthz",
    POLLING,
    WEBSOCKET,
    f"{POLLING}&sid=x",
    "/socket.io/?EIO=4&EIO=4&transport=&sid",
    "/socket.io/?%ff=%zz&transport=polling&EIO=4",
    "/socket.io/?" + "a=b&" * 200,
    "http://elsewhere/socket.io/",
    "*",
]


def survives(offend: Offend, config: Config = QUIET) -> None:
    """Let somebody loose on a server and see that it goes on."""

    async def main() -> None:
        async with scene(config=config) as stage:
            await offend(stage)
            await stage.undisturbed()
            stage.handled.clear()

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def throw(stream: trio.abc.Stream, data: bytes) -> None:
    """Send bytes, take what comes for a while, and leave."""
    try:
        await stream.send_all(data)
        with trio.move_on_after(30):
            while await stream.receive_some():
                pass
    except trio.BrokenResourceError:
        pass
    finally:
        await trio.aclose_forcefully(stream)


# ---- at the HTTP front ----------------------------------------------------------------------------------------------


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw a request that is nearly right, with bytes changed or cut."""
    method = draw(st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "PUT", "CONNECT", "get", "BREW"]))
    headers = draw(
        st.lists(
            st.sampled_from(
                [
                    ("Content-Length", "5"),
                    ("Content-Length", "-1"),
                    ("Transfer-Encoding", "chunked"),
                    ("Transfer-Encoding", "gzip"),
                    ("Expect", "100-continue"),
                    ("Connection", "Upgrade"),
                    ("Upgrade", "websocket"),
                    ("Upgrade", "h2c"),
                    ("Sec-WebSocket-Key", "x"),
                    ("Sec-WebSocket-Version", "13"),
                    ("Sec-WebSocket-Extensions", "permessage-deflate; x=\x01"),
                    ("Origin", "http://\xff"),
                    ("Accept-Encoding", "gzip;q=x, *;q=9"),
                    ("Access-Control-Request-Headers", "x, y"),
                    ("Host", "twice"),
                ]
            ),
            max_size=5,
        )
    )
    data = bytearray(request_bytes(method, draw(st.sampled_from(TARGETS)), headers=headers))
    data += draw(st.sampled_from([b"", b"4", b"5\r\n42[]x\r\n0\r\n\r\n", b"\xff" * 20, b"GET / HTTP/1.1\r\n\r\n"]))
    for position, byte in draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=3)):
        data[position] = byte
    return bytes(data[: draw(st.integers(1, len(data)))])


@GARBAGE
@given(
    data=st.binary(min_size=1, max_size=300) | requests() | st.lists(requests(), min_size=2, max_size=4).map(b"".join)
)
def test_garbage_at_the_http_front(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def offend(stage: Scene) -> None:
        await throw(await stage.stream(), data)

    survives(offend)
    assert not [record for record in caplog.records if ours(record)]


@GARBAGE
@given(
    body=st.binary(max_size=300)
    | st.lists(st.sampled_from([b"4", b"2", b"b", b"\x1e", b"0", b"=", b"\xc3"])).map(b"".join)
)
def test_garbage_in_a_post(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def offend(stage: Scene) -> None:
        poller = await stage.poller()
        assert (await poller.post_body(body)).status in (200, 400)
        await stage.ask("POST", poller.target, body=b"1")

    survives(offend)
    assert not [record for record in caplog.records if ours(record)]


# ---- frames ---------------------------------------------------------------------------------------------------------


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Draw a frame, legal more often than not."""
    return frame(
        draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3, 8, 9, 10, 15])),
        draw(
            st.sampled_from([b"", b"3", b'42["note"]', b"\xff", b"\x03\xe8bye", bytes(126)]) | st.binary(max_size=200)
        ),
        final=draw(st.sampled_from([True, True, False])),
        reserved=draw(st.sampled_from([0, 0, 0, 0, 1, 4])),
        masked=draw(st.sampled_from([True, True, True, False])),
        announced=draw(st.sampled_from([None, None, None, 1, 70_000, 1 << 40])),
    )


@GARBAGE
@given(pieces=st.lists(frames() | st.binary(max_size=20), min_size=1, max_size=12), apart=st.booleans())
def test_garbage_in_frames(pieces: list[bytes], apart: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def offend(stage: Scene) -> None:
        peer = await stage.peer()
        for piece in pieces if apart else [b"".join(pieces)]:
            await peer.raw(piece)
        await throw(peer.stream, b"")

    survives(offend)
    assert not [record for record in caplog.records if ours(record)]


@GARBAGE
@given(data=st.binary(min_size=1, max_size=200), cut=st.integers(0, 200))
def test_garbage_right_behind_an_opening_handshake(data: bytes, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    async def offend(stage: Scene) -> None:
        await throw(await stage.stream(), opening_bytes(WEBSOCKET)[: -cut or None] + data)

    survives(offend)
    assert not [record for record in caplog.records if ours(record)]


@GARBAGE
@given(pieces=st.lists(frames() | st.sampled_from(["2probe", "5", "3probe"]).map(message_frame), max_size=6))
def test_garbage_in_an_upgrade(pieces: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async def offend(stage: Scene) -> None:
        poller = await stage.poller()
        websocket = WebSocketPeer(await stage.stream())
        assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
        await throw(websocket.stream, b"".join(pieces))
        await stage.ask("POST", poller.target, body=b"1")

    survives(offend)
    assert not [record for record in caplog.records if ours(record)]


# ---- packets --------------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
alphabet = st.sampled_from([*'0123456789-/,[]{}":', "note", "echo", "later", "_placeholder", "num", "true", "/x", "é"])
texts = st.lists(alphabet, max_size=20).map("".join) | st.text(max_size=30)
packets = texts.map("4".__add__) | texts | st.binary(max_size=30)
maps = st.fixed_dictionaries(
    {"type": st.integers(-1, 7) | json_values, "nsp": st.sampled_from(["/", "/x", "", "x"]) | json_values},
    optional={
        "data": json_values | st.lists(st.sampled_from(["note", "echo", "later", b"\x00", 1]), max_size=3),
        "id": json_values,
    },
)


def throw_packets(messages: list[Message], parser: ParserName, *, joined: bool) -> None:
    async def offend(stage: Scene) -> None:
        peer = await stage.peer(join=joined)
        await peer.send(*messages)
        await throw(peer.stream, b"")

    survives(offend, Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, parser=parser))


@GARBAGE
@given(messages=st.lists(packets, min_size=1, max_size=8), joined=st.booleans())
def test_garbage_in_packets(messages: list[Message], joined: bool, caplog: pytest.LogCaptureFixture) -> None:
    throw_packets(messages, "json", joined=joined)
    assert not [record for record in caplog.records if ours(record)]


@GARBAGE
@given(
    messages=st.lists(packets | maps.map(lambda fields: packed(**fields)), min_size=1, max_size=8),
    joined=st.booleans(),
)
def test_garbage_in_msgpack_packets(messages: list[Message], joined: bool, caplog: pytest.LogCaptureFixture) -> None:
    throw_packets(messages, "msgpack", joined=joined)
    assert not [record for record in caplog.records if ours(record)]
