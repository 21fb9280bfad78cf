"""Engine.IO protocol v4.1, "Heartbeat", on the real clock with an interval of 300 ms and a timeout of 200 ms.

How early a server may be is exact; how late is the machine's affair, and has a wide bound.
"""

import pytest
import trio

from tests.conformance.live import Target

pytestmark = pytest.mark.port

INTERVAL_SECONDS = 0.3
TIMEOUT_SECONDS = 0.2
LATE_SECONDS = 3.0
CLOCKS_SECONDS = 0.02  # the server's clock starts a little before the client's


async def test_pings_come_at_intervals_by_websocket(fast_echo: Target) -> None:
    """Heartbeat: "At a given interval the server sends a `ping` packet"."""
    websocket = await fast_echo.open_websocket()
    last = trio.current_time()
    for _ in range(3):
        assert await websocket.text() == "2"
        now = trio.current_time()
        assert INTERVAL_SECONDS - CLOCKS_SECONDS <= now - last <= INTERVAL_SECONDS + LATE_SECONDS
        await websocket.send("3")
        last = trio.current_time()


async def test_pings_come_at_intervals_by_polling(fast_echo: Target) -> None:
    """The same, carried by a GET."""
    session = await fast_echo.open_polling()
    for _ in range(3):
        assert await session.packets() == ["2"]
        assert (await session.post("3")).text == "ok"


async def test_no_pong_closes_a_websocket(fast_echo: Target) -> None:
    """Heartbeat: "If the server does not receive a `pong` packet back, then it SHOULD consider that the connection is
    closed".
    """
    started = trio.current_time()
    websocket = await fast_echo.open_websocket()
    await websocket.closing()
    waited = trio.current_time() - started
    assert waited >= INTERVAL_SECONDS + TIMEOUT_SECONDS - CLOCKS_SECONDS


async def test_no_pong_closes_a_polling_session_to_the_millisecond(fast_echo: Target) -> None:
    """Node: the deadline counts from the scheduled ping, whether or not a GET was there to carry it."""
    session = await fast_echo.open_polling()
    await trio.sleep(INTERVAL_SECONDS + TIMEOUT_SECONDS)
    assert (await session.get()).status == 400


async def test_messages_do_not_stand_for_a_pong(fast_echo: Target) -> None:
    """The client "has a few seconds to send a `pong` packet back"; nothing else counts."""
    websocket = await fast_echo.open_websocket()
    started = trio.current_time()
    with trio.fail_after(LATE_SECONDS):
        async with trio.open_nursery() as nursery:

            async def talk() -> None:
                while True:
                    await websocket.send("4hello")
                    await trio.sleep(0.05)

            nursery.start_soon(talk)
            await websocket.closing()
            nursery.cancel_scope.cancel()
    assert trio.current_time() - started >= INTERVAL_SECONDS + TIMEOUT_SECONDS - CLOCKS_SECONDS


async def test_a_session_that_answers_outlives_many_timeouts(fast: Target) -> None:
    """The Socket.IO server likewise."""
    websocket = await fast.join()
    for _ in range(4):
        assert await websocket.text() == "2"
        await websocket.send("3")
    await websocket.send('421["message-with-ack",1]')
    assert await websocket.text() == "431[1]"
