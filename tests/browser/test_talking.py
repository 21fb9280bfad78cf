"""What pages say and hear: binary in all its JavaScript kinds, acknowledgements, order."""

import pytest

from tests.browser.page import Visitor
from tests.browser.server import open_door
from tests.browser.transports import EVERY
from tests.slysock.systems.market import at

pytestmark = [pytest.mark.port, pytest.mark.browser]


@EVERY
async def test_binary_of_every_kind_goes_both_ways(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url, { transports });
            const events = follow(socket);
            await events.next("connect");
            const whole = new Uint8Array([0, 1, 2, 254, 255]);
            const part = new Uint8Array(whole.buffer, 1, 3);
            const kinds = {
              buffer: whole.buffer,
              part,
              view: new DataView(whole.buffer, 3),
              floats: new Float32Array([1]),
              blob: new Blob([part]),
              file: new File([part, "é"], "a.bin"),
              empty: new ArrayBuffer(0),
            };
            const back = await socket.emitWithAck("echo", kinds);
            const types = new Set(Object.values(back).map((value) => value.constructor.name));
            const bytes = await Promise.all(Object.values(back).map(bytesOf));
            socket.emit("again", 1, { list: [kinds.blob, "text", [part]] }, null);
            socket.emit("again", 2);
            const [one, { list }, nothing] = await events.next("again");
            const [two] = await events.next("again");
            return { types: [...types], bytes, nested: [await bytesOf(list[0]), list[1], await bytesOf(list[2][0])],
                     order: [one, nothing, two] };
            """,
            url=door.url,
            transports=transports,
        )
        assert at(seen, "types") == ["ArrayBuffer"]
        part, one = [1, 2, 254], [0, 0, 128, 63]
        assert at(seen, "bytes") == [[0, 1, 2, 254, 255], part, [254, 255], one, part, [*part, 0xC3, 0xA9], []]
        assert at(seen, "nested") == [part, "text", part]
        assert at(seen, "order") == [1, None, 2]
        assert page.console == []


@EVERY
async def test_large_binary_and_text_survive(visitor: Visitor, site: str, transports: list[str]) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url, { transports });
            const blob = new Blob([new Uint8Array(600_000).map((_, index) => index % 251)]);
            const text = "é\\u{1f600}\\u2028".repeat(50_000);
            const sent = await bytesOf(blob);
            const got = await bytesOf(await socket.emitWithAck("echo", blob));
            return [got.length, got.every((byte, index) => byte === sent[index]),
                    (await socket.emitWithAck("echo", text)) === text];
            """,
            url=door.url,
            transports=transports,
        )
        assert seen == [600_000, True, True]


@EVERY
async def test_acknowledgements_come_in_time_or_fail_by_their_timeout(
    visitor: Visitor, site: str, transports: list[str]
) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url, { transports });
            await connected(socket);
            const answer = await socket.timeout(10_000).emitWithAck("echo", "in time");
            const failure = await socket.timeout(1).emitWithAck("nobody answers this").catch((error) => error);
            socket.on("question", (number, bytes, answer) => answer({ number, length: bytes.byteLength }));
            const asked = await socket.emitWithAck("ask me", 7, new Uint8Array(3));
            return [answer, failure instanceof Error, failure.message, asked];
            """,
            url=door.url,
            transports=transports,
        )
        assert seen == ["in time", True, "operation has timed out", {"number": 7, "length": 3}]


async def test_events_sent_while_the_connection_is_upgraded_keep_their_order(visitor: Visitor, site: str) -> None:
    async with open_door() as door:
        page = await visitor.open(site)
        seen = await page.run(
            """
            const socket = io(url);
            const events = follow(socket);
            socket.emit("again", 0); // sent as soon as the client is in
            await events.next("connect");
            let number = 1;
            const send = () => { socket.emit("again", number, new Uint8Array([number % 256])); number += 1; };
            let isUpgraded = false;
            upgraded(socket).then(() => (isUpgraded = true));
            while (!isUpgraded) {
              send();
              await socket.emitWithAck("echo");
            }
            for (let more = 0; more < 20; more += 1) send();
            const heard = [];
            while (heard.length < number) heard.push((await events.next("again"))[0]);
            return [heard, number];
            """,
            url=door.url,
        )
        assert at(seen, 0) == list(range(int(str(at(seen, 1)))))
