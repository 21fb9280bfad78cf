"""What goes into a column comes out of it."""

import pytest

from slysock_store import JsonObject, Reaction
from slysock_store.sqlite import columns
from slysock_store.testing.harness import ANNA, BEN


@pytest.mark.parametrize(
    "reactions", [(), (Reaction(user=ANNA, emoji="❤"),), tuple(Reaction(user=u, emoji="!") for u in (BEN, ANNA))]
)
def test_reactions_come_back_in_their_order(reactions: tuple[Reaction, ...]) -> None:
    assert columns.decode_reactions(columns.encode_reactions(reactions)) == reactions


@pytest.mark.parametrize("value", [{}, {"a": 1}])
def test_an_object_comes_back(value: JsonObject) -> None:
    assert columns.decode_object(columns.encode_object(value)) == value


@pytest.mark.parametrize("values", [(), ({"a": 1}, {})])
def test_a_list_of_objects_comes_back(values: tuple[JsonObject, ...]) -> None:
    assert columns.decode_objects(columns.encode_objects(values)) == values


def test_names_are_one_parameter() -> None:
    assert columns.keys(['"', "b"]) == '["\\"","b"]'
    assert columns.keys([]) == columns.NOTHING
    assert columns.decode_users(columns.keys(["b", "a"])) == ("b", "a")
