"""JSON as text comes back as it was, and what is not JSON is refused."""

from typing import cast

import pytest

from slysock_store import BadValue, Json, JsonObject
from slysock_store.json_text import decode, decode_object, decode_objects, encode


@pytest.mark.parametrize("value", [None, True, 0, 2**63, -1.5, "", "مرحبا \x00", [1, [2]], {"$a.b": {"": None}}])
def test_a_value_comes_back(value: Json) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"z": 1, "a": [{}]}])
def test_an_object_comes_back_in_its_order(value: JsonObject) -> None:
    assert list(decode_object(encode(value)).items()) == list(value.items())


@pytest.mark.parametrize("values", [(), ({},), ({"a": 1}, {"b": 2})])
def test_a_list_of_objects_comes_back(values: tuple[JsonObject, ...]) -> None:
    assert decode_objects(encode(values)) == values


def test_what_is_no_json_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    for value in (object(), {"a": object()}, "\ud800", {"\udfff": 1}, endless):
        with pytest.raises(BadValue, match="a value is not JSON"):
            encode(cast("Json", value))
