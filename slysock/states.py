"""Lives as tables: which step leads from which state to which.

Each machine has its table in one module of its package (`engineio.states`, `socketio.states`); docs/states.md draws
them. A machine keeps its state by name and changes it by `follow` only.
"""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar, final

S = TypeVar("S", bound=str)
E = TypeVar("E", bound=str)

Table: TypeAlias = Mapping[S, Mapping[E, S]]
"""state -> step -> the state that it leads to."""


@final
class IllegalStep(RuntimeError):
    """A machine was asked for a step that its table does not have: a mistake of ours, never of a client."""


def follow(table: Table[S, E], state: S, step: E) -> S:
    """Return the state that a step leads to.

    Raises:
        IllegalStep: it leads nowhere from here.
    """
    try:
        return table[state][step]
    except KeyError:
        raise IllegalStep(f"{step!r} is no step from {state!r}") from None
