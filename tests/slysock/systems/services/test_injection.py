"""An object where a scalar belongs, and other things that are no payloads: refused before anything is asked."""

from collections.abc import Iterator, Mapping

import pytest

from tests.slysock.systems.services.events import payloads, records_of
from tests.slysock.systems.services.office import ANNA, BEN, Office, heard, refused

POISONS: tuple[object, ...] = ({"$gt": ""}, {"$ne": None}, {"$where": "sleep(1000)"}, [{"$gt": ""}], ["x"], True, None)


def poisoned(event: str) -> Iterator[object]:
    """Poison every field of an event's payload in every way, or the bare payload."""
    payload = payloads()[event]
    if not isinstance(payload, Mapping):
        yield from POISONS
        return
    for field in payload:
        yield from ({**payload, field: poison} for poison in POISONS if not is_harmless(field, poison))
    for field in payload.keys() & {"media", "attachments"}:
        yield {**payload, field: [{"url": {"$gt": ""}}]}
        yield {**payload, field: [{"url": "/a", "name": {"$gt": ""}}]}


def is_harmless(field: str, poison: object) -> bool:
    """Tell what a field may be."""
    may_be_null = field in ("clientMessageId", "messageType", "media", "attachments", "userId")
    is_address = poison == ["x"] and field in ("media", "attachments")
    return (poison is None and may_be_null) or (poison is True and field == "isOnline") or is_address


@pytest.mark.parametrize("event", sorted(payloads()))
async def test_no_object_reaches_a_query(office: Office, event: str) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    await heard(anna)
    before = await records_of(office)
    for payload in poisoned(event):
        code, message = await refused(anna, event, payload)
        assert (code, message.startswith("Invalid payload")) == (400, True), payload
    assert await records_of(office) == before
    assert await heard(ben) == []


STRANGE: tuple[tuple[object, ...], ...] = (
    (),
    (b"\x00",),
    (1.5,),
    ("x", "y"),
    ("",),
    ("x" * 200,),
    ({"chatId": "x" * 200},),
)


@pytest.mark.parametrize("event", sorted(payloads()))
async def test_what_is_no_payload_is_refused(office: Office, event: str) -> None:
    anna = await office.connect(ANNA)
    for args in STRANGE:
        assert (await refused(anna, event, *args))[0] in (400, 403), args


async def test_text_with_the_characters_of_queries_is_text(office: Office) -> None:
    anna = await office.connect(ANNA)
    content = '\'; DROP TABLE messages; -- {"$gt": ""} \u0000 \N{WAVING HAND SIGN} \u202e'
    answer = await anna.call("send-message", {**text_payload(), "content": content})
    assert isinstance(answer, dict)
    assert answer["message"]["content"] == content


def text_payload() -> dict[str, object]:
    payload = payloads()["send-message"]
    assert isinstance(payload, dict)
    return payload
