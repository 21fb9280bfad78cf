"""Rooms against a naive oracle with the semantics of Node's in-memory adapter."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from slysock.errors import Refusal
from slysock.ids import SocketId
from slysock.socketio.rooms import MAX_ROOM_CHARACTERS, MAX_ROOMS, Rooms, check_rooms

IDS = [SocketId(name) for name in ("s1", "s2", "s3", "s4")]
NAMES = ["a", "b", "c", *IDS]  # a room may be called like a member

ids = st.sampled_from(IDS)
names = st.lists(st.sampled_from(NAMES), max_size=4)


class AgainstNaive(RuleBasedStateMachine):
    """The oracle: a list of members in order of arrival, each with the set of rooms that it has joined."""

    def __init__(self) -> None:
        super().__init__()
        self.rooms: Rooms[str] = Rooms()
        self.naive: dict[SocketId, set[str]] = {}

    @rule(member=ids)
    def add(self, member: SocketId) -> None:
        if member not in self.naive:
            self.rooms.add(member, f"member {member}")
            self.naive[member] = set()

    @rule(member=ids)
    def remove(self, member: SocketId) -> None:
        self.rooms.remove(member)
        self.naive.pop(member, None)

    @rule(member=ids, rooms=names)
    def join(self, member: SocketId, rooms: list[str]) -> None:
        if member in self.naive:
            self.rooms.join(member, rooms)
            self.naive[member].update(rooms)

    @rule(member=ids, rooms=names)
    def leave(self, member: SocketId, rooms: list[str]) -> None:
        self.rooms.leave(member, rooms)
        self.naive.get(member, set()).difference_update(rooms)

    @rule(to=st.none() | names, excluded=names)
    def targets(self, to: list[str] | None, excluded: list[str]) -> None:
        expected = {
            f"member {member}"
            for member, joined in self.naive.items()
            if (to is None or ({member} | joined) & set(to)) and not ({member} | joined) & set(excluded)
        }
        found = self.rooms.targets(to, excluded)
        assert len(found) == len(set(found)), "once, however many rooms match"
        assert set(found) == expected

    @invariant()
    def members_and_rooms_agree(self) -> None:
        assert list(self.rooms) == [f"member {member}" for member in self.naive]
        assert len(self.rooms) == len(self.naive)
        for member in IDS:
            assert self.rooms.get(member) == (f"member {member}" if member in self.naive else None)
        for member, joined in self.naive.items():
            assert self.rooms.of(member) == {member, *joined}

    @invariant()
    def nothing_is_kept_of_who_has_left_and_no_room_is_empty(self) -> None:
        inside = set().union(*self.naive.values()) if self.naive else set()
        assert set(self.rooms.names()) == inside
        assert set(self.rooms._joined) == {member for member, joined in self.naive.items() if joined}


TestAgainstNaive = AgainstNaive.TestCase


def everybody() -> Rooms[str]:
    rooms: Rooms[str] = Rooms()
    for member in IDS:
        rooms.add(member, str(member))
    return rooms


def test_targets_come_in_order_of_joining() -> None:
    rooms = everybody()
    for member in reversed(IDS):
        rooms.join(member, ["a"])
    assert rooms.targets(["a"], []) == ["s4", "s3", "s2", "s1"]
    assert rooms.targets(None, []) == ["s1", "s2", "s3", "s4"]


def test_no_rooms_among_those_asked_for_is_nobody() -> None:
    rooms = everybody()
    rooms.join(IDS[0], ["a"])
    assert rooms.targets([], []) == []
    assert rooms.targets([], ["a"]) == []


def test_except_wins_over_to() -> None:
    rooms = everybody()
    rooms.join(IDS[0], ["a", "b"])
    rooms.join(IDS[1], ["a"])
    assert rooms.targets(["a"], ["b"]) == ["s2"]
    assert rooms.targets(["s1"], ["s1"]) == []


def test_a_room_of_somebody_elses_id_adds_and_does_not_replace() -> None:
    rooms = everybody()
    rooms.join(IDS[0], [IDS[1]])
    assert set(rooms.targets([IDS[1]], [])) == {"s1", "s2"}


def test_the_list_of_targets_is_the_callers_own() -> None:
    rooms = everybody()
    rooms.join(IDS[0], ["a"])
    found = rooms.targets(["a"], [])
    rooms.leave(IDS[0], ["a"])
    assert found == ["s1"]


def test_a_member_may_leave_while_all_are_walked_through() -> None:
    rooms = everybody()
    for member in rooms:
        rooms.remove(SocketId(member))
    assert len(rooms) == 0


def test_as_many_rooms_as_a_client_may_join_and_no_more() -> None:
    many = [f"room {number}" for number in range(MAX_ROOMS)]
    check_rooms([], many)
    check_rooms(many, many)
    check_rooms(many[1:], ["x" * MAX_ROOM_CHARACTERS])
    for joined, more in ([], [*many, "x"]), (many, ["x"]):
        with pytest.raises(Refusal, match="too many rooms"):
            check_rooms(joined, more)
    with pytest.raises(Refusal, match="room name too long"):
        check_rooms([], ["x", "x" * (MAX_ROOM_CHARACTERS + 1)])
