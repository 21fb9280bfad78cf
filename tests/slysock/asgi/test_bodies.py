"""JSON bodies of requests are read as events are."""

import pytest

from slysock.asgi import decode_json
from slysock.errors import InvalidPayload


def test_a_json_body_is_its_value() -> None:
    assert decode_json(b'{"a": [1, null]}') == {"a": [1, None]}


def test_half_an_emoji_is_replaced_and_no_reason_to_refuse_the_rest() -> None:
    assert decode_json(b'["\\ud83d", "b"]') == ["\ufffd", "b"]


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"\xff"])
def test_what_is_no_json_is_the_clients_mistake(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        decode_json(body)
