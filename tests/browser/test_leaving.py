"""How the server learns that a page has gone, and how a page finds back."""

from collections.abc import Awaitable, Callable

import pytest

from slysock import Config
from tests.browser.page import Page, Visitor
from tests.browser.server import open_door
from tests.browser.transports import EVERY
from tests.slysock.systems.market import at

pytestmark = [pytest.mark.port, pytest.mark.browser]

Way = Callable[[Page, str], Awaitable[object]]

CONNECT = """
    window.socket = io(url, { transports, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    await connected(socket);
    if (transports.length > 1) await upgraded(socket);
    return socket.id;
"""


async def close(page: Page, site: str) -> None:
    await page.close()


async def crash(page: Page, site: str) -> None:
    await page.crash()


async def reload(page: Page, site: str) -> None:
    await page.go(site)


async def navigate(page: Page, site: str) -> None:
    await page.go("about:blank")


@EVERY
@pytest.mark.parametrize("leave", [close, crash, reload, navigate])
async def test_a_page_that_goes_is_gone_at_once(visitor: Visitor, site: str, transports: list[str], leave: Way) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        sid = await page.run(CONNECT, url=door.url, transports=transports)
        if transports == ["polling"]:
            await page.wait_polling()
        await leave(page, site)
        socket, reason = await door.next_departure()
        # As with Node's server: a WebSocket is closed, a poll is broken off.
        assert (socket.id, reason) == (sid, "transport error" if transports == ["polling"] else "transport close")
        await door.next_ending()
        assert door.connections == 0


@EVERY
async def test_a_page_that_says_goodbye_is_gone_by_its_own_wish(
    visitor: Visitor, site: str, transports: list[str]
) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        sid = await page.run(CONNECT, url=door.url, transports=transports)
        reason = await page.run("const gone = once(socket, 'disconnect'); socket.disconnect(); return (await gone)[0];")
        assert reason == "io client disconnect"
        socket, reason = await door.next_departure()
        assert (socket.id, reason) == (sid, "client namespace disconnect")


async def test_two_tabs_are_two_clients(visitor: Visitor, site: str) -> None:
    async with open_door() as door:
        first, second = await visitor.open(site), await visitor.open(site)
        transports = ["polling", "websocket"]
        ids = [await tab.run(CONNECT, url=door.url, transports=transports) for tab in (first, second)]
        assert [socket.id for socket in door.sockets] == ids
        await first.close()
        socket, _ = await door.next_departure()
        assert socket.id == ids[0]
        assert await second.run("return await socket.emitWithAck('echo', socket.id);") == ids[1]


@EVERY
async def test_a_page_finds_back_to_a_server_that_was_restarted(
    visitor: Visitor, site: str, transports: list[str]
) -> None:
    page = await visitor.open(site)
    async with open_door() as door:
        await page.run(
            """
            window.socket = io(url, { transports, reconnectionDelay: 50, reconnectionDelayMax: 200 });
            window.events = follow(socket);
            await events.next("connect");
            if (transports.length > 1) await upgraded(socket);
            window.reconnected = once(socket.io, "reconnect");
            """,
            url=door.url,
            transports=transports,
        )
        port = door.port
    seen = await page.run(
        """
        const [reason] = await events.next("disconnect");
        socket.emit("again", "said while nobody listened");
        return [reason, socket.active, socket.connected];
        """
    )
    assert at(seen, 0) in ("transport close", "transport error")
    assert [at(seen, 1), at(seen, 2)] == [True, False]
    async with open_door(port=port) as door:
        heard = await page.run("await reconnected; return (await events.next('again'))[0];")
        assert heard == "said while nobody listened"
        assert [socket.id for socket in door.sockets] == [await page.run("return socket.id")]


@EVERY
async def test_a_server_that_stops_says_so(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        await page.run(CONNECT, url=door.url, transports=transports)
        await page.run("window.gone = once(socket, 'disconnect');")
        door.server.stop()
        assert await page.run("return [(await gone)[0], socket.active];") == ["transport close", True]


@EVERY
async def test_a_page_that_sleeps_longer_than_the_heartbeat_allows_is_given_up_and_comes_back(
    visitor: Visitor, site: str, transports: list[str]
) -> None:
    async with open_door(Config(ping_interval_seconds=0.2, ping_timeout_seconds=0.6)) as door:
        page = await visitor.open(site)
        sid = await page.run(CONNECT, url=door.url, transports=transports)
        await page.run("window.back = once(socket, 'disconnect').then(() => once(socket, 'connect'));")
        await page.freeze()
        socket, reason = await door.next_departure()
        assert (socket.id, reason) == (sid, "ping timeout")
        await page.thaw()
        assert await page.run("await back; return socket.id;") != sid
