"""The life of a client in a namespace, as a table."""

from typing import Final, Literal, TypeAlias

from slysock.states import Table

MemberState: TypeAlias = Literal["joining", "in", "leaving", "gone"]
MemberStep: TypeAlias = Literal["let in", "refuse", "leave", "end"]

MEMBER: Final[Table[MemberState, MemberStep]] = {
    "joining": {"let in": "in", "refuse": "gone"},  # by middleware; or the client left before it had decided
    "in": {"leave": "leaving", "end": "gone"},
    # The client is out of its rooms and hears nothing more; what had arrived from it is still handled.
    "leaving": {"end": "gone"},
    "gone": {},
}
