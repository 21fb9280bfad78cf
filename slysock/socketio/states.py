"""The life of a client in a namespace, as a table."""

from typing import Final, Literal, TypeAlias

from slysock.states import Table

MemberState: TypeAlias = Literal["joining", "in", "gone"]
MemberStep: TypeAlias = Literal["let in", "leave"]

MEMBER: Final[Table[MemberState, MemberStep]] = {
    "joining": {"let in": "in", "leave": "gone"},  # refused by middleware, or left before it decided
    "in": {"leave": "gone"},
    "gone": {},
}
