"""What can be said to clients and done with them, as values: whom it is for, and what.

A namespace's adapter applies a command to its own clients; the value is all that another server would need to do the
same with its own.
"""

from typing import TypeAlias, final

import msgspec


@final
class Audience(msgspec.Struct, frozen=True, gc=False):
    """Whom a command is for: everybody in one of the rooms and in none of the excluded.

    Attributes:
        rooms: names of rooms; the id of a socket is one, too. None is everybody, and an empty tuple nobody.
        excluded: names of rooms, which win over `rooms`.
        volatile: leave out those who cannot take an event right now.
    """

    rooms: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    volatile: bool = False


@final
class Emit(msgspec.Struct, frozen=True):
    """Send an event."""

    audience: Audience
    event: str
    args: tuple[object, ...]


@final
class Join(msgspec.Struct, frozen=True):
    """Put the audience into rooms."""

    audience: Audience
    rooms: tuple[str, ...]


@final
class Leave(msgspec.Struct, frozen=True):
    """Take the audience out of rooms."""

    audience: Audience
    rooms: tuple[str, ...]


@final
class Disconnect(msgspec.Struct, frozen=True):
    """Disconnect the audience from the namespace; with `close`, from all, and close the connections."""

    audience: Audience
    close: bool


Command: TypeAlias = Emit | Join | Leave | Disconnect
