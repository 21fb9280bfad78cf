"""Chats between pages: tokens, the marketplace from both sides, presence over several tabs."""

from pathlib import Path

import pytest

from slysock.systems.marketplace import marketplace
from slysock.systems.pets import pets
from tests.browser.page import Page, Visitor, visiting
from tests.browser.server import open_systems, token_of
from tests.browser.site import BUNDLE, PAGE_SCRIPT
from tests.browser.transports import EACH
from tests.slysock.systems.market import at

pytestmark = [pytest.mark.port, pytest.mark.browser]

COME = """
    window.presence = io(url + "/presence", { auth: { token } });
    window.online = follow(presence);
    await online.next("connect");
    window.socket = io(url + "/chat", { auth: { token } });
    window.chat = follow(socket);
    const [{ data }] = await chat.next("userChats");
    await upgraded(socket);
    return data.items.length;
"""
REFUSED = """
    const socket = io(url, { auth, withCredentials: true, transports });
    const error = await once(socket, "connect_error");
    return [error.message, socket.connected, socket.active];
"""


async def come(visitor: Visitor, site: str, url: str, token: str) -> Page:
    page = await visitor.open(site)
    assert await page.run(COME, url=url, token=token) == 0
    return page


@pytest.mark.parametrize(
    "auth",
    [{}, {"token": "nonsense"}, {"token": token_of("x", "buyer", expires_in=-1)}],
    ids=["none", "bad", "expired"],
)
async def test_a_refusal_reaches_the_page_in_the_words_that_it_compares(
    visitor: Visitor, site: str, tmp_path: Path, auth: dict[str, str]
) -> None:
    async with open_systems(pets, media=tmp_path) as door:
        page = await visitor.open(site)
        # The client does not try again by itself.
        seen = await page.run(
            REFUSED.replace("withCredentials: true, ", ""), url=door.url, auth=auth, transports=["websocket"]
        )
        assert seen == ["Authentication error", False, False]


async def test_the_marketplace_says_why_and_shows_the_page_out(visitor: Visitor, site: str, tmp_path: Path) -> None:
    async with open_systems(marketplace, media=tmp_path) as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url + "/chat", { auth: { token } });
            const events = follow(socket);
            const [error] = await events.next("appError");
            const [reason] = await events.next("disconnect");
            return [error.statusCode, error.message, reason, socket.active];
            """,
            url=door.url,
            token=token_of(1, "CUSTOMER", expires_in=-1),
        )
        assert seen == [401, "Authentication token has expired", "io server disconnect", False]


@EACH
async def test_the_cookie_of_a_login_is_a_token_for_pages_of_listed_origins_only(
    visitor: Visitor, site: str, tmp_path: Path, transports: list[str]
) -> None:
    token = token_of("anna", "buyer")
    async with open_systems(pets, media=tmp_path, cors_origins=[site]) as door:
        await visitor.set_cookie(door.url, "token", token)
        page = await visitor.open(site)
        script = """
            await connected(io(url, { withCredentials: true, transports }));
            return (await fetch(`${url}/api/chat/my-chats`, { credentials: "include" })).status;
        """
        assert await page.run(script, url=door.url, transports=transports) == 200
    async with open_systems(pets, media=tmp_path) as door:
        error = at(await page.run(REFUSED, url=door.url, auth={}, transports=transports), 0)
        # By polling, the browser keeps the answer from the page: any origin may come, but without credentials.
        assert error == {"polling": "xhr poll error", "websocket": "Authentication error"}[transports[0]]


async def test_a_page_of_the_server_itself_need_not_be_listed(visitor: Visitor, tmp_path: Path) -> None:
    async with open_systems(pets, media=tmp_path, cors_origins=["https://shop.example"]) as door:
        await visitor.set_cookie(door.url, "token", token_of("anna", "buyer"))
        page = await visitor.open(f"{door.url}/healthz")
        await page.run(BUNDLE.read_text())
        await page.run(f"{PAGE_SCRIPT.read_text()}\nwindow.connected = connected;")
        script = """
            const socket = io({ transports: [transport] });
            await connected(socket);
            return (await fetch("/api/chat/my-chats")).status;
        """
        for transport in ("polling", "websocket"):
            assert await page.run(script, transport=transport) == 200


async def test_two_pages_chat_through_the_marketplace(
    visitor: Visitor, chromium: str, site: str, tmp_path: Path
) -> None:
    text = "Is it <b>new</b>? é\N{WAVING HAND SIGN}\u2028</script>"
    async with open_systems(marketplace, media=tmp_path) as door, visiting(chromium) as other:
        vendor = await come(other, site, door.url, token_of(5, "VENDOR", store=[{"storeId": 7, "name": "Wonder"}]))
        customer = await come(visitor, site, door.url, token_of(1, "CUSTOMER", name="Ada Lovelace"))
        sent = await customer.run(
            """
            socket.emit("typing", { productId: 12345, recipientId: 5 });
            const answer = await socket.emitWithAck("sendMessage", { productId: 12345, recipientId: 5, text });
            const [heard] = await chat.next("receiveMessage");
            return [answer.statusCode, answer.data[0], heard.data[0]];
            """,
            text=text,
        )
        assert [at(sent, 0), at(sent, 1)] == [200, at(sent, 2)]
        seen = await vendor.run(
            """
            await chat.next("userTyping");
            const [{ message }] = await chat.next("newChat");
            document.body.textContent = message.messages[0].text;
            socket.emit("joinChat", { productId: 12345, recipientId: 1 });
            const [history] = await chat.next("loadMessages");
            socket.emit("sendMessage", { productId: 12345, recipientId: 1, text: "It is." });
            return [document.body.textContent, message.customer.firstName, history.data.messages.length];
            """
        )
        assert seen == [text, "Ada", 1]
        seen = await customer.run(
            """
            await chat.next("updateReadReceipts");
            const [{ data }] = await chat.next("receiveMessage");
            return data[0].text;
            """
        )
        assert seen == "It is."


async def test_somebody_is_offline_when_the_last_tab_is_closed(
    visitor: Visitor, chromium: str, site: str, tmp_path: Path
) -> None:
    async with open_systems(marketplace, media=tmp_path) as door, visiting(chromium) as other:
        tabs = [await come(visitor, site, door.url, token_of(1, "CUSTOMER"))]
        vendor = await come(other, site, door.url, token_of(5, "VENDOR"))
        await tabs[0].run("await socket.emitWithAck('sendMessage', { productId: 1, recipientId: 5, text: 'hello' });")
        tabs.append(await visitor.open(site))
        assert await tabs[1].run(COME, url=door.url, token=token_of(1, "CUSTOMER")) == 1
        await tabs[0].close()
        gone = [await door.next_departure(), await door.next_departure()]
        assert [reason for _, reason in gone] == ["transport close"] * 2
        # The vendor hears nothing of it before the answer to what comes later.
        await vendor.run("await presence.emitWithAck('refreshToken', { token });", token=token_of(5, "VENDOR"))
        assert "userIsOffline" not in str(await vendor.run("return online.names();"))
        await tabs[1].close()
        offline = await vendor.run("return (await online.next('userIsOffline'))[0].data;")
        assert offline == {"userId": 1, "userType": "CUSTOMER"}
