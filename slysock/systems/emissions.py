"""What a system declares about the events that it sends: no handler's signature shows them."""

from typing import final

import msgspec


@final
class Emits(msgspec.Struct, frozen=True, kw_only=True):
    """One event that clients may get."""

    namespace: str
    event: str
    payload: object
    """The type of its argument, as msgspec takes it: `Envelope`, `list[ChatShape]`, `str`; None for no argument."""

    doc: str
    """When it is sent and to whom, in one or two sentences."""
