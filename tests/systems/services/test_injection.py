"""An object where a scalar belongs, and other things that are no payloads: refused before anything is asked."""

from collections.abc import Iterator, Mapping

import pytest

from tests.systems.services.events import payloads, records_of
from tests.systems.services.office import ANNA, BEN, Office, heard, refused

POISONS: tuple[object, ...] = ({"$gt": ""}, {"$ne": None}, {"$where": "sleep(1000)"}, [{"$gt": ""}], ["x"], True, None)


def poisoned() -> Iterator[tuple[str, str, object]]:
    """Give event, what is poisoned, payload: every field of every event, and every bare payload."""
    for event, payload in payloads().items():
        if not isinstance(payload, Mapping):
            for poison in POISONS:
                yield event, "payload", poison
            continue
        for field in payload:
            for poison in POISONS:
                if poison is None and field in ("clientMessageId", "media", "attachments", "userId"):
                    continue  # these may be null
                if poison is True and field == "isOnline":
                    continue
                if poison == ["x"] and field in ("media", "attachments"):
                    continue  # not an object; no address either, and refused elsewhere
                yield event, field, {**payload, field: poison}
        yield (
            event,
            "media of a media",
            {**payload, **{name: [{"url": {"$gt": ""}}] for name in ("media", "attachments")}},
        )


CASES = [case for case in poisoned() if case[1] != "media of a media" or case[0] in ("send-message", "support-message")]


@pytest.mark.parametrize(("event", "what", "payload"), CASES, ids=[f"{e}-{w}-{i}" for i, (e, w, _) in enumerate(CASES)])
async def test_no_object_reaches_a_query(office: Office, event: str, what: str, payload: object) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    await heard(anna)
    before = await records_of(office)
    code, message = await refused(anna, event, payload)
    assert (code, message.startswith("Invalid payload")) == (400, True), (event, what, message)
    assert await records_of(office) == before
    assert await heard(ben) == []


@pytest.mark.parametrize("event", sorted(payloads()))
@pytest.mark.parametrize("args", [(), (b"\x00",), (1.5,), ("x", "y"), ("",), ("x" * 200,), ({"chatId": "x" * 200},)])
async def test_what_is_no_payload_is_refused(office: Office, event: str, args: tuple[object, ...]) -> None:
    anna = await office.connect(ANNA)
    code, _ = await refused(anna, event, *args)
    assert code in (400, 403)


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
