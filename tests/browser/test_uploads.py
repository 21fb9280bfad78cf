"""Files that pages send and show; and that none of them becomes a page itself."""

import base64
import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest

from slysock.systems.pets import pets
from tests.browser.page import Page, Visitor
from tests.browser.server import open_systems, token_of
from tests.slysock.systems.market import at

pytestmark = [pytest.mark.port, pytest.mark.browser]

SCRIPT: Final = "<script>document.title = 'pwned'; parent.postMessage('pwned', '*')</script>"
HTML: Final = f"<!doctype html><html><body>{SCRIPT}</body></html>".encode()
SVG: Final = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{SCRIPT}</svg>".encode()
GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAP8AAAAAACwAAAAAAQABAAACAkQBADs=")

UPLOAD: Final = """
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const form = new FormData();
    form.append("content", "a caption");
    form.append("media", new File([bytes], filename, { type }));
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/api/chat/${chat}/send-media`, { method: "POST", headers, body: form });
    return [answer.status, await answer.json()];
"""


def png(width: int, height: int) -> bytes:
    """Draw a red picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@final
@dataclass
class Shop:
    """A running system, and Anna's page, who has a chat with Ben."""

    url: str
    visitor: Visitor
    site: str
    page: Page
    token: str
    chat: str

    async def upload(self, content: bytes, filename: str, kind: str) -> object:
        """Send a file as a form does; give status and answer."""
        text = base64.b64encode(content).decode()
        given = {"url": self.url, "chat": self.chat, "token": self.token, "content": text}
        return await self.page.run(UPLOAD, filename=filename, type=kind, **given)

    async def store(self, content: bytes, filename: str, kind: str) -> str:
        """Send a file that is taken; give where it is."""
        status, answer = at(seen := await self.upload(content, filename, kind), 0), at(seen, 1)
        assert status == 201, answer
        return f"{self.url}/api/chat/media/{at(answer, 'data', 'mediaUrl')}"


@pytest.fixture
async def shop(visitor: Visitor, site: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_systems(pets, media=tmp_path) as door:
        page = await visitor.open(site)
        token = token_of("anna", "buyer", name="Anna")
        chat = await page.run(
            """
            const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
            const body = JSON.stringify({ participantId: "ben" });
            return (await (await fetch(`${url}/api/chat/create`, { method: "POST", headers, body })).json()).data._id;
            """,
            url=door.url,
            token=token,
        )
        yield Shop(door.url, visitor, site, page, token, str(chat))


async def test_a_picture_that_one_page_sends_another_shows(shop: Shop) -> None:
    ben = await shop.visitor.open(shop.site)
    token = token_of("ben", "seller", name="Ben")
    await ben.run(
        """
        window.socket = io(url, { auth: { token } });
        window.events = follow(socket);
        await events.next("connect");
        """,
        url=shop.url,
        token=token,
    )
    where = await shop.store(png(7, 5), "cat.png", "image/png")
    seen = await ben.run(
        """
        const show = (src) => new Promise((resolve) => {
          const image = document.createElement("img");
          image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
          image.onerror = () => resolve("nothing to see");
          image.src = src;
          document.body.append(image);
        });
        const [message] = await events.next("newMessage");
        const address = `${url}/api/chat/media/${message.mediaUrl}`;
        const asked = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
        const fetched = URL.createObjectURL(await asked.blob());
        return [message.messageType, message.content, address, await show(`${address}?token=${token}`),
                await show(fetched), await show(address)];
        """,
        url=shop.url,
        token=token,
    )
    assert seen == ["image", "a caption", where, [7, 5], [7, 5], "nothing to see"]


@pytest.mark.parametrize(
    ("content", "filename", "kind"),
    [
        (HTML, "page.html", "text/html"),
        (HTML, "cat.png", "image/png"),
        (SVG, "drawing.svg", "image/svg+xml"),
        (b"<?xml version='1.0'?>" + SVG, "cat.gif", "image/gif"),
    ],
)
async def test_what_could_run_as_a_page_is_refused_in_words_that_the_page_can_read(
    shop: Shop, content: bytes, filename: str, kind: str
) -> None:
    answer = await shop.upload(content, filename, kind)
    assert at(answer, 0) == 415
    assert at(answer, 1, "success") is False
    assert str(at(answer, 1, "message"))


@pytest.mark.parametrize(("filename", "kind"), [("page.html", "text/html"), ("drawing.svg", "image/svg+xml")])
async def test_a_picture_with_a_page_inside_is_a_picture_only(shop: Shop, filename: str, kind: str) -> None:
    where = await shop.store(GIF + HTML, filename, kind) + f"?token={shop.token}"
    for wrapped in ("iframe", "object", "embed"):
        seen = await shop.page.run(
            """
            const messages = [];
            addEventListener("message", (event) => messages.push(event.data));
            const element = document.createElement(tag);
            const loaded = new Promise((resolve) => (element.onload = element.onerror = resolve));
            element[tag === "object" ? "data" : "src"] = where;
            document.body.append(element);
            await loaded;
            return messages;
            """,
            tag=wrapped,
            where=where,
        )
        assert seen == [], wrapped
    tab = await shop.visitor.open(where)
    seen = await tab.run("return [document.contentType, document.title, document.scripts.length, origin];")
    assert at(seen, 0) == "image/gif"
    assert "pwned" not in str(seen)
    assert at(seen, 2) == 0
    assert at(seen, 3) == "null"  # the sandbox: not even a script that got in would be of the server's origin


async def test_a_file_is_no_script(shop: Shop) -> None:
    where = await shop.store(b"GIF89a=1;document.title='pwned'//" + GIF, "a.js", "text/javascript")
    seen = await shop.page.run(
        """
        const script = document.createElement("script");
        const ended = new Promise((resolve) => {
          script.onload = () => resolve("runs");
          script.onerror = () => resolve("blocked");
        });
        script.src = where;
        document.head.append(script);
        return [await ended, document.title];
        """,
        where=f"{where}?token={shop.token}",
    )
    assert seen == ["blocked", "A shop"]


async def test_an_error_that_repeats_what_was_asked_for_is_no_page(shop: Shop) -> None:
    for path in (
        f"/api/chat/media/{SCRIPT}",
        f"/api/chat/{SCRIPT}/messages",
        f"/{SCRIPT}",
        f"/socket.io/?EIO={SCRIPT}",
    ):
        tab = await shop.visitor.open(f"{shop.url}{path}")
        seen = await tab.run("return [document.contentType, document.title];")
        assert at(seen, 0) in ("application/json", "text/plain"), path
        assert at(seen, 1) != "pwned"
