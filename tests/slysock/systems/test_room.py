"""While there is no room: 507 in each system's shape, by events and requests; what takes no room is done; and again."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from slysock.systems.domain import Full
from slysock.systems.failures import status_of
from slysock_store import StoreFull
from slysock_store.sqlite.transaction import Transaction
from tests.slysock.systems.market import at, open_market
from tests.slysock.systems.market import failure as app_error
from tests.slysock.systems.pets.shop import open_shop
from tests.slysock.systems.running import json_of
from tests.slysock.systems.services.office import (
    ANNA,
    CHAT,
    TICKET,
    failure,
    heard,
    help_text,
    open_office,
    refused,
    text,
)
from tests.slysock.systems.support.center import http_failure, id_of, open_center

TEXT = "There is no room for anything new at the moment, try again later"
PHRASE = "Insufficient Storage"


@dataclass
class Disk:
    """Whether there is room, as the store finds it in each transaction."""

    has_room: bool = True

    def refuse_growth(self) -> None:
        if not self.has_room:
            raise StoreFull("the disk of the database has less than 1 bytes free")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(Transaction, "refuse_growth", lambda _: made.refuse_growth())
    return made


def test_the_status_is_that_of_a_full_disk() -> None:
    assert status_of(Full("")) == 507


async def test_marketplace(disk: Disk) -> None:
    async with open_market() as market:
        vendor, customer = await market.vendor(), await market.customer()
        sent = await customer.send(vendor)
        await vendor.drain()
        await customer.drain()
        disk.has_room = False
        for recipient in (vendor, 77):  # a chat that is there, and one that would be made
            assert await customer.send(recipient) == app_error(507, TEXT)
        assert await customer.chat.expect("appError") == (app_error(507, TEXT),)
        assert await vendor.drain() == []
        assert await vendor.history(customer.id) == ["hello"]
        payload = {"productId": 12345, "recipientId": vendor.id, "messageId": at(sent, "data", 0, "id")}
        assert at(await customer.chat.call("deleteMessage", payload), "statusCode") == 200
        await market.customer(3)  # newcomers come in
        disk.has_room = True
        assert at(await customer.send(vendor), "statusCode") == 200


async def test_services(disk: Disk) -> None:
    async with open_office() as office:
        anna = await office.chatting(ANNA)
        assert at(await anna.call("send-message", text()), "success") is True
        await heard(anna)
        disk.has_room = False
        assert await refused(anna, "send-message", text()) == (507, TEXT)
        assert await anna.call("support-message", help_text()) == failure(507, TEXT)
        assert at(await anna.call("mark-messages-read", {"chatId": CHAT}), "success") is True
        assert at(await anna.call("join-support-ticket", {"ticketId": TICKET}), "success") is True
        disk.has_room = True
        assert at(await anna.call("send-message", text()), "success") is True


async def test_pets(disk: Disk, tmp_path: Path) -> None:
    async with open_shop(tmp_path / "media") as shop:
        anna, ben = await shop.visit("anna"), await shop.visit("ben")
        chat = await anna.create("ben")
        first = await anna.send(chat)
        file = at(json_of(await anna.upload(chat)), "data")
        await ben.drain()
        disk.has_room = False
        told = {"success": False, "message": TEXT}
        assert await anna.socket.call("sendMessage", {"chatId": chat, "content": "x"}) == told
        assert await anna.socket.call("editMessage", {"messageId": first, "content": "longer"}) == told
        for method, path, body in (
            ("POST", f"/{chat}/send", {"content": "x"}),
            ("POST", "/create", {"participantId": "carl"}),
        ):
            answer = await anna.http(method, path, body)
            assert (answer.status, json_of(answer)) == (507, told)
        answer = await anna.upload(chat)
        assert (answer.status, json_of(answer)) == (507, told)
        assert await ben.drain() == []
        for message in (first, at(file, "_id")):
            assert (await anna.http("DELETE", f"/message/{message}")).status == 200
        assert shop.files() == []
        disk.has_room = True
        await anna.send(chat)
        assert (await anna.upload(chat)).status == 201


async def test_support(disk: Disk) -> None:
    async with open_center() as center:
        user, admin = await center.user(), await center.admin()
        conversation = id_of(await user.ask("POST", "/order-chat/1234"))
        await user.send(conversation)
        await admin.join(conversation)
        await admin.heard()
        disk.has_room = False
        for path, body in (
            ("/messages", {"conversationId": conversation, "content": "x"}),
            ("/order-chat/5678", {}),
        ):
            answer = await user.http("POST", path, body)
            assert (answer.status, json_of(answer)) == (507, http_failure(507, TEXT, PHRASE))
        assert (await admin.http("POST", f"/conversations/{conversation}/read")).status in (200, 201)
        assert (await admin.http("PATCH", f"/conversations/{conversation}", {"subject": "Late"})).status == 200
        assert "new-message" not in await admin.names_heard()
        disk.has_room = True
        await user.send(conversation)
