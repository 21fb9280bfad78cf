"""Pictures and videos: taken by their content, given to participants only, gone when taken back."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from slysock.systems.domain import Unavailable
from slysock.systems.domain.posts import Posts
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.pets import NAME, pets
from slysock.systems.pets.media import FILES
from slysock.systems.pets.service import Pets
from slysock.systems.uploads.folder import DOUBT_SECONDS
from slysock_store import StoreUnavailable
from tests.slysock.systems.market import at, length, nothing_for, settle, token_for
from tests.slysock.systems.pets.shop import BOUNDARY, PNG, Shop, form, form_head, form_tail, names, open_shop
from tests.slysock.systems.running import json_of, open_systems

MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(3000)


async def test_a_file_becomes_a_message_that_everybody_gets_and_may_get(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    answer = await anna.upload(chat)
    assert (answer.status, at(json_of(answer), "message")) == (201, "Media message sent successfully")
    message = at(json_of(answer), "data")
    assert (at(message, "messageType"), at(message, "content")) == ("image", "Sent image")
    (told,) = await ben.drain()
    assert (told.name, told.args) == ("newMessage", (message,))
    name = str(at(message, "mediaUrl"))
    for person in (anna, ben):
        got = await person.raw("GET", f"/media/{name}")
        assert (got.status, got.body, got.headers["content-type"]) == (200, PNG, "image/png")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-disposition"] == f'inline; filename="{name}"'


async def test_a_video_with_a_caption_a_parent_and_a_client_message_id(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    parent = await anna.send(chat)
    fields = {"content": " look \N{DOG FACE} ", "parentMessageId": parent, "clientMessageId": "c1", "other": "ignored"}
    message = at(json_of(await anna.upload(chat, MP4, fields=fields)), "data")
    seen = (at(message, "messageType"), at(message, "content"), at(message, "parentMessage"))
    assert seen == ("video", "look \N{DOG FACE}", parent)
    again = await anna.upload(chat, MP4, fields=fields)
    assert at(json_of(again), "data") == message
    assert shop.files() == [at(message, "mediaUrl")]


async def test_the_fields_may_come_before_the_file(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"\r\n\r\nfirst\r\n'.encode()
    body = field + form_head("x.png") + PNG + form_tail({})
    headers = [("content-type", f'multipart/form-data; boundary="{BOUNDARY}"')]
    answer = await anna.raw("POST", f"/{chat}/send-media", headers, body)
    assert at(json_of(answer), "data", "content") == "first"


@pytest.mark.parametrize("filename", ["../../../etc/passwd", "/etc/passwd", "a.php", "..", "x\\..\\y", "a\x00.png", ""])
async def test_the_name_that_a_client_gives_is_never_used(shop: Shop, filename: str) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    name = str(at(json_of(await anna.upload(chat, filename=filename)), "data", "mediaUrl"))
    assert name.endswith(".png")
    assert shop.files() == [name]


async def test_names_cannot_be_guessed(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    given = [str(at(json_of(await anna.upload(chat)), "data", "mediaUrl")) for _ in range(4)]
    secrets = {name.split("-")[2].removesuffix(".png") for name in given}
    assert {len(secret) for secret in secrets} == {32}
    assert len(secrets) == 4


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"<svg onload=alert(1)>", "a.png"),
        (b"<!doctype html><script>", "a.jpg"),
        (b"%PDF-1.7", "a.png"),
        (b"", "a.png"),
        (b"MZ\x90\x00" * 2000, "a.mp4"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00isommp42" + bytes(100), "song.mp4"),
    ],
)
async def test_what_is_no_image_and_no_video_by_its_content_is_refused(
    shop: Shop, content: bytes, filename: str
) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    answer = await anna.upload(chat, content, filename=filename)
    assert (answer.status, json_of(answer)) == (
        415,
        {"success": False, "message": "Only images and videos can be sent"},
    )
    assert shop.files() == []
    await nothing_for(ben.socket)


async def test_a_file_that_is_too_large_is_refused_and_one_at_the_limit_is_not(shop: Shop, tmp_path: Path) -> None:
    async with open_shop(tmp_path / "small", max_media_bytes=len(PNG)) as small:
        anna = await small.visit("anna")
        chat = await anna.create("ben")
        assert (await anna.upload(chat, PNG, fields={"content": "x" * 1000})).status == 201
        answer = await anna.upload(chat, PNG + b"x")
        assert answer.status == 413
        assert at(json_of(answer), "message") == f"The file is too large: the limit is {len(PNG)} bytes"
        assert len(small.files()) == 1


async def test_a_body_that_is_said_to_be_too_long_is_refused_before_any_of_it_comes(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    stream = await anna.begin_upload(chat, 10**12)
    assert b" 413 " in bytes(await stream.receive_some())
    await trio.aclose_forcefully(stream)
    assert not shop.media.exists()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"nothing of the kind"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=media\r\n\r\n" + PNG),
        (f'multipart/form-data; boundary="{BOUNDARY}"', form_head("a") + PNG + b"\r\n" + form_head("b") + PNG),
        (f'multipart/form-data; boundary="{BOUNDARY}"', form(PNG, filename="a", fields={"content": "x" * 9000})),
        (f'multipart/form-data; boundary="{BOUNDARY}"', form_tail({"content": "no file"}).lstrip()),
        (f'multipart/form-data; boundary="{"b" * 71}"', b"x"),
        (f'multipart/form-data; boundary="{BOUNDARY}"', form(PNG, filename="a", fields={"content": "x" * 1001})),
        (f'multipart/form-data; boundary="{BOUNDARY}"', form(PNG, filename="a", fields={"clientMessageId": "x" * 129})),
    ],
)
async def test_a_form_that_is_none_is_refused_and_leaves_nothing(shop: Shop, content_type: str, body: bytes) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    answer = await anna.raw("POST", f"/{chat}/send-media", [("content-type", content_type)], body)
    assert answer.status == 400, answer.body
    assert at(json_of(answer), "success") is False
    assert shop.files() == []


async def test_nothing_stays_of_an_upload_whose_client_leaves(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    stream = await anna.begin_upload(chat, 100_000, form_head("a.png") + PNG)
    await shop.wait_files(1)
    await trio.aclose_forcefully(stream)
    await shop.wait_files(0)
    await settle()
    assert at(await anna.data("GET", f"/{chat}/messages"), "messages") == []


async def test_one_user_has_four_uploads_under_way_at_most(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    streams = [await anna.begin_upload(chat, 100_000, form_head("a.png") + PNG) for _ in range(4)]
    await shop.wait_files(4)
    assert (await anna.upload(chat)).status == 429
    assert (await ben.upload(chat)).status == 201
    for stream in streams:
        await trio.aclose_forcefully(stream)
    await shop.wait_files(1)
    await settle()
    assert (await anna.upload(chat)).status == 201


async def test_a_message_may_refer_to_a_file_of_its_own_chat(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat, other = await anna.create("ben"), await anna.create("carl")
    name = at(json_of(await anna.upload(chat)), "data", "mediaUrl")
    body = {"messageType": "image", "mediaUrl": name}
    assert at(await anna.data("POST", f"/{chat}/send", body), "mediaUrl") == name
    assert (await anna.http("POST", f"/{other}/send", body)).status == 404


async def test_the_file_of_a_deleted_message_is_gone(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = at(json_of(await anna.upload(chat)), "data")
    name = at(message, "mediaUrl")
    borrowed = await ben.data("POST", f"/{chat}/send", {"messageType": "image", "mediaUrl": name})
    await ben.data("DELETE", f"/message/{at(borrowed, '_id')}")
    assert (await anna.raw("GET", f"/media/{name}")).status == 200  # it was not ben's to remove
    await anna.data("DELETE", f"/message/{at(message, '_id')}")
    for person in (anna, ben):
        assert (await person.raw("GET", f"/media/{name}")).status == 404
    assert shop.files() == []


async def test_a_file_in_two_messages_lives_until_the_last_is_gone(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = at(json_of(await anna.upload(chat)), "data")
    name = at(message, "mediaUrl")
    borrowed = [await ben.send(chat, messageType="image", mediaUrl=name) for _ in range(2)]
    for _ in range(2):  # the second time changes nothing
        await anna.data("DELETE", f"/message/{at(message, '_id')}")
    await ben.data("DELETE", f"/message/{borrowed[0]}")
    assert (await anna.raw("GET", f"/media/{name}")).status == 200
    await ben.data("DELETE", f"/message/{borrowed[1]}")
    assert (await anna.raw("GET", f"/media/{name}")).status == 404
    assert shop.files() == []
    late = await ben.socket.call(
        "sendMessage", {"chatId": chat, "content": "x", "messageType": "image", "mediaUrl": name}
    )
    assert late == {"success": False, "message": "File not found"}


async def test_a_message_that_is_retried_uses_its_file_once(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = at(json_of(await anna.upload(chat)), "data")
    fields = {"messageType": "image", "mediaUrl": at(message, "mediaUrl"), "clientMessageId": "1"}
    (borrowed,) = {await ben.send(chat, **fields) for _ in range(3)}
    await ben.data("DELETE", f"/message/{borrowed}")
    await anna.data("DELETE", f"/message/{at(message, '_id')}")
    assert shop.files() == []


async def test_a_file_of_an_earlier_version_goes_with_its_owners_message(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = at(json_of(await anna.upload(chat)), "data")
    name, store = str(at(message, "mediaUrl")), shop.running.store
    file = await store.get_reference(NAME, kind=FILES, key=name)
    assert file is not None
    await store.put_reference(NAME, kind=FILES, key=name, data={k: v for k, v in file.data.items() if k != "uses"})
    borrowed = await ben.send(chat, messageType="image", mediaUrl=name)
    await ben.data("DELETE", f"/message/{borrowed}")
    assert shop.files() == [name]
    await anna.data("DELETE", f"/message/{at(message, '_id')}")
    assert shop.files() == []


async def test_nobody_else_can_delete_and_nothing_stays_in_doubt(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = at(json_of(await anna.upload(chat)), "data")
    assert (await ben.http("DELETE", f"/message/{at(message, '_id')}")).status == 403
    assert shop.files() == [at(message, "mediaUrl")]


async def test_a_user_has_so_much_a_day_and_so_much_in_all_and_others_have_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SystemSettings(
        media_path=tmp_path / "media",
        max_media_bytes=10 * len(PNG),
        max_user_media_bytes_per_day=2 * len(PNG),
        max_user_media_bytes=3 * len(PNG),
    )
    async with open_systems(pets, settings=settings) as running:
        shop = Shop(running, tmp_path / "media")
        anna, ben = await shop.visit("anna"), await shop.visit("ben")
        chat = await anna.create("ben")
        monkeypatch.setattr("slysock.systems.pets.media._today", lambda: "2026-11-26")
        first = at(json_of(await anna.upload(chat)), "data")
        assert (await anna.upload(chat)).status == 201
        refused = await anna.upload(chat)
        limit = 2 * len(PNG)
        told = f"You have uploaded enough for today: the limit is {limit} bytes"
        assert (refused.status, json_of(refused)) == (429, {"success": False, "message": told})
        assert (await ben.upload(chat)).status == 201
        monkeypatch.setattr("slysock.systems.pets.media._today", lambda: "2026-11-27")
        assert (await anna.upload(chat)).status == 201
        refused = await anna.upload(chat)
        assert (refused.status, at(json_of(refused), "success")) == (507, False)
        assert len(shop.files()) == 4
        await anna.data("DELETE", f"/message/{at(first, '_id')}")
        assert (await anna.upload(chat, PNG + b"x")).status == 507  # the room for one, and not for more
        assert (await anna.upload(chat)).status == 201


async def test_uploads_at_once_do_not_pass_a_quota_together(tmp_path: Path) -> None:
    settings = SystemSettings(media_path=tmp_path / "media", max_user_media_bytes=2 * len(PNG))
    async with open_systems(pets, settings=settings) as running:
        shop = Shop(running, tmp_path / "media")
        anna = await shop.visit("anna")
        chat = await anna.create("ben")
        body = form(PNG, filename="a.png", fields={})
        streams = [await anna.begin_upload(chat, len(body), body[:-10]) for _ in range(4)]
        await shop.wait_files(4)
        answers = []
        for stream in streams:
            await stream.send_all(body[-10:])
            answers.append(bytes(await stream.receive_some())[9:12])
            await trio.aclose_forcefully(stream)
        assert sorted(answers) == [b"201", b"201", b"507", b"507"]
        await shop.wait_files(2)
        assert length(at(await anna.data("GET", f"/{chat}/messages"), "messages")) == 2


async def test_a_file_that_is_said_to_be_over_the_quota_is_refused_before_any_of_it_comes(tmp_path: Path) -> None:
    settings = SystemSettings(media_path=tmp_path / "media", max_user_media_bytes=1000)
    async with open_systems(pets, settings=settings) as running:
        shop = Shop(running, tmp_path / "media")
        anna = await shop.visit("anna")
        chat = await anna.create("ben")
        stream = await anna.begin_upload(chat, 1_000_000)
        assert b" 507 " in bytes(await stream.receive_some())
        await trio.aclose_forcefully(stream)
        assert shop.files() == []


async def sweep(shop: Shop) -> None:
    """Do what the system does now and then."""
    foundation = shop.running.assembly.foundation
    pets = Pets(make_foundation(shop.running.store, foundation.tokens, foundation.settings))
    await pets.folder.sweep(pets.media.is_needed)


async def left_in_doubt(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave a file as a server does that is killed between its rename and the commit of its message."""
    anna = await shop.visit("anna")
    chat = await anna.create("ben")

    async def killed(*_: object, **__: object) -> None:
        await trio.lowlevel.checkpoint()
        raise Unavailable("the outcome is unknown") from StoreUnavailable("?", outcome_unknown=True)

    with monkeypatch.context() as patch:
        patch.setattr(Posts, "post", killed)
        assert (await anna.upload(chat)).status == 503
    (name,) = [file for file in shop.files() if not file.endswith(".doubt")]
    then = (shop.media / "incoming" / f"{name}.doubt").stat().st_mtime - DOUBT_SECONDS - 1
    os.utime(shop.media / "incoming" / f"{name}.doubt", (then, then))
    return name


async def test_a_file_whose_message_was_never_stored_is_removed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await left_in_doubt(shop, monkeypatch)
    await sweep(shop)
    assert shop.files() == []


async def test_a_file_whose_message_was_stored_after_all_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await left_in_doubt(shop, monkeypatch)
    await shop.running.store.put_reference(NAME, kind=FILES, key=name, data={"chatId": "x", "uses": 1})
    await sweep(shop)
    assert shop.files() == [name]


async def test_a_file_whose_message_was_deleted_is_removed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await left_in_doubt(shop, monkeypatch)
    await shop.running.store.put_reference(NAME, kind=FILES, key=name, data={"uses": 0, "isWithdrawn": True})
    await sweep(shop)
    assert shop.files() == []


async def test_files_of_another_store_stay(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await left_in_doubt(shop, monkeypatch)
    async with open_shop(shop.media) as another:
        await sweep(another)
        assert len(another.files()) == 2
    assert (shop.media / name).exists()


async def test_a_video_can_be_sought(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    name = at(json_of(await anna.upload(chat, MP4)), "data", "mediaUrl")
    part = await anna.raw("GET", f"/media/{name}", [("range", "bytes=4-11")])
    assert (part.status, part.body) == (206, b"ftypisom")
    assert part.headers["content-range"] == f"bytes 4-11/{len(MP4)}"
    head = await anna.raw("HEAD", f"/media/{name}")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(MP4)))


async def test_a_token_in_the_query_is_enough_for_an_image_tag(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    name = at(json_of(await anna.upload(chat)), "data", "mediaUrl")
    path = f"/api/chat/media/{name}?token={token_for('ben', 'user')}"
    assert (await shop.running.http("GET", path)).body == PNG


async def test_an_upload_into_a_chat_that_is_blocked_meanwhile_leaves_nothing(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    body = form(PNG, filename="a.png", fields={})
    stream = await anna.begin_upload(chat, len(body), body[:-10])
    await shop.wait_files(1)
    await ben.data("PUT", f"/{chat}/toggle-block")
    await stream.send_all(body[-10:])
    assert b" 409 " in bytes(await stream.receive_some())
    assert shop.files() == []
    await trio.aclose_forcefully(stream)


async def test_a_folder_that_cannot_be_used_is_answered_clearly(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with open_shop(tmp_path / "file" / "media") as broken:
        anna = await broken.visit("anna")
        chat = await anna.create("ben")
        answer = await anna.upload(chat)
        assert (answer.status, at(json_of(answer), "success")) == (503, False)
        assert at(await anna.data("GET", f"/{chat}/messages"), "messages") == []
    assert "cannot be used" in caplog.text


async def test_files_and_texts_have_one_order(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    for number in range(3):
        await anna.send(chat, str(number))
        await anna.upload(chat, fields={"content": f"file {number}"})
    events = await ben.drain()
    assert names(events) == ["newMessage"] * 6
    texts = [at(event.args, 0, "content") for event in events]
    assert texts == ["0", "file 0", "1", "file 1", "2", "file 2"]


async def drip(stream: trio.abc.Stream, piece: bytes, *, every: float, rounds: int) -> None:
    with suppress(trio.BrokenResourceError):  # the server has closed
        for _ in range(rounds):
            await trio.sleep(every)
            await stream.send_all(piece)


async def test_an_upload_that_drips_ends_when_its_time_is_over_and_leaves_nothing(
    shop: Shop, autojump_clock: trio.testing.MockClock
) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    head = form_head("x.png") + PNG
    async with trio.open_nursery() as nursery:
        started = trio.current_time()
        stream = await anna.begin_upload(chat, 1_000_000, head)
        nursery.start_soon(lambda: drip(stream, b"x", every=20, rounds=1000))
        assert b" 408 " in bytes(await stream.receive_some())
        assert trio.current_time() - started >= 300  # the clock jumps on while the disk is at work
        nursery.cancel_scope.cancel()
    await shop.wait_files(0)
    await trio.aclose_forcefully(stream)


async def test_an_upload_that_keeps_30_kb_a_second_may_take_as_long_as_it_takes(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_shop(tmp_path, max_media_bytes=20_000_000) as shop:
        anna = await shop.visit("anna")
        chat = await anna.create("ben")
        rounds, piece = 45, bytes(360_000)  # of which the last ten seconds' have not come yet
        head, tail = form_head("x.png") + PNG, form_tail({})
        started = trio.current_time()
        stream = await anna.begin_upload(chat, len(head) + rounds * len(piece) + len(tail), head)
        await drip(stream, piece, every=10, rounds=rounds)
        await stream.send_all(tail)
        assert b" 201 " in bytes(await stream.receive_some())
        assert trio.current_time() - started > 400
        assert len(shop.files()) == 1
        await trio.aclose_forcefully(stream)
