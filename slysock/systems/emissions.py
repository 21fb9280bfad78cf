"""What a system declares of the events that it sends: nobody can read those off a handler's signature."""

from typing import final

import msgspec


@final
class Emits(msgspec.Struct, frozen=True, kw_only=True):
    """One event to clients."""

    namespace: str
    event: str
    payload: object
    """The type of its argument, as msgspec takes it: `Envelope`, `list[ChatShape]`, `str`; None for no argument."""

    doc: str
    """When it is sent and to whom, in one or two sentences."""
