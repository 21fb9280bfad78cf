"""Which pages get in, by which transport, and what the others are told."""

import pytest

from slysock import Config
from tests.browser.page import Visitor
from tests.browser.server import Door, open_door
from tests.browser.transports import EACH, EVERY
from tests.slysock.systems.market import at

pytestmark = [pytest.mark.port, pytest.mark.browser]

ELSEWHERE = Config(cors_origins=["https://shop.example"])

COOKIE = "token=a cookie of the login"
HEADERS = """
    const socket = io(url, { transports, withCredentials: true });
    await connected(socket);
    if (transports.length > 1) await upgraded(socket);
    return await socket.emitWithAck("headers");
"""
REFUSED = """
    const socket = io(url, { transports, withCredentials, reconnection: false });
    let connected = false;
    socket.on("connect", () => (connected = true));
    const error = await once(socket, "connect_error");
    return [error instanceof Error, error.message, connected];
"""
MESSAGES = {"polling": "xhr poll error", "websocket": "websocket error"}


def assert_nobody_came(door: Door) -> None:
    assert door.sockets == []
    assert door.connections == 0


async def test_default_options_connect_a_page_of_another_origin_by_polling_and_upgrade_it(
    visitor: Visitor, site: str
) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url);
            const first = socket.io.engine.transport.name;
            await connected(socket);
            await upgraded(socket);
            return [first, socket.io.engine.transport.name, await socket.emitWithAck("echo", "hello")];
            """,
            url=door.url,
        )
        assert seen == ["polling", "websocket", "hello"]
        assert page.console == []
        (socket,) = door.sockets
        assert socket.handshake.headers["origin"] == site
        assert socket.handshake.cross_origin


@EACH
async def test_one_transport_alone_will_do(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url, { transports });
            await connected(socket);
            return [await socket.emitWithAck("echo", "hello"), socket.io.engine.transport.name];
            """,
            url=door.url,
            transports=transports,
        )
        assert seen == ["hello", *transports]
        assert page.console == []


@EVERY
async def test_a_page_of_a_listed_origin_brings_its_cookie(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door(Config(cors_origins=[site])) as door:
        await visitor.set_cookie(door.url, *COOKIE.split("="))
        page = await visitor.open(site)
        headers = await page.run(HEADERS, url=door.url, transports=transports)
        assert at(headers, "cookie") == COOKIE
        assert page.console == []


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]], ids=["polling", "upgrade"])
@pytest.mark.parametrize("is_listed", [True, False], ids=["listed", "any origin"])
async def test_headers_that_need_a_preflight_arrive(
    visitor: Visitor, site: str, transports: list[str], is_listed: bool
) -> None:
    async with open_door(Config(cors_origins=[site] if is_listed else None)) as door:
        page = await visitor.open(site)
        headers = await page.run(
            """
            const extraHeaders = { Authorization: "Bearer abc", "X-Shop": "7" };
            const socket = io(url, { transports, extraHeaders, withCredentials });
            await connected(socket);
            if (transports.length > 1) await upgraded(socket);
            return await socket.emitWithAck("headers");
            """,
            url=door.url,
            transports=transports,
            withCredentials=is_listed,
        )
        assert [at(headers, "authorization"), at(headers, "x-shop")] == ["Bearer abc", "7"]
        assert page.console == []


@EACH
@pytest.mark.parametrize("with_credentials", [False, True], ids=["without", "with credentials"])
async def test_a_page_of_an_origin_that_is_not_listed_gets_an_error_and_no_connection(
    visitor: Visitor, site: str, transports: list[str], with_credentials: bool
) -> None:
    async with open_door(ELSEWHERE) as door:
        await visitor.set_cookie(door.url, *COOKIE.split("="))
        page = await visitor.open(site)
        seen = await page.run(REFUSED, url=door.url, transports=transports, withCredentials=with_credentials)
        assert seen == [True, MESSAGES[transports[0]], False]
        assert_nobody_came(door)
        # In the browser's console, the developer sees the rule, or at least the status.
        await page.wait_told("blocked by CORS policy" if transports == ["polling"] else "403")


@EACH
async def test_a_sandboxed_frame_is_of_no_listed_origin(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door(Config(cors_origins=[site])) as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts";
            const bundle = await (await fetch("/socket.io.min.js")).text();
            frame.srcdoc = `<script>${bundle.replaceAll("</script", "<\\\\/script")}</script><script>
                const socket = io(${JSON.stringify(url)}, ${JSON.stringify({ transports, reconnection: false })});
                socket.on("connect", () => parent.postMessage([origin, "connected"], "*"));
                socket.on("connect_error", (error) => parent.postMessage([origin, error.message], "*"));
            </script>`;
            const answer = new Promise((resolve) => addEventListener("message", (event) => resolve(event.data)));
            document.body.append(frame);
            return await answer;
            """,
            url=door.url,
            transports=transports,
        )
        assert seen == ["null", MESSAGES[transports[0]]]
        assert_nobody_came(door)


async def test_where_any_origin_may_come_none_comes_with_credentials(visitor: Visitor, site: str) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(REFUSED, url=door.url, transports=["polling"], withCredentials=True)
        assert at(seen, 1) == "xhr poll error"
        await page.wait_told("must not be the wildcard '*' when the request's credentials mode is 'include'")
        assert door.sockets == []


@pytest.mark.parametrize(
    ("transports", "used"),
    [
        (["polling", "websocket", "webtransport"], "websocket"),
        (["webtransport", "websocket"], "websocket"),
        (["webtransport", "polling"], "polling"),
    ],
    ids=["last", "first, then websocket", "first, then polling"],
)
async def test_webtransport_in_the_list_does_not_disturb(
    visitor: Visitor, site: str, transports: list[str], used: str
) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url, { transports, tryAllTransports: true });
            await connected(socket);
            if (transports.includes("websocket")) await upgraded(socket);
            return [
              typeof WebTransport,
              await socket.emitWithAck("echo", "hello"),
              socket.io.engine.transport.name,
            ];
            """,
            url=door.url,
            transports=transports,
        )
        assert seen == ["function", "hello", used]
