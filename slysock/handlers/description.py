"""What can be told of a router's events without calling anything: the material of documents."""

from typing import final

import msgspec

__all__ = ["EventDescription"]


@final
class EventDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One handler of one event, as its author wrote it down. `Router.describe` gives them."""

    event: str
    doc: str
    """The handler's docstring, without indentation; empty where there is none."""

    arguments: tuple[object, ...]
    """The types of the arguments, in order."""

    required: int
    """How many of them must be there."""

    rest: object
    """The type of the arguments behind them; None where there may be none."""

    returns: object
    """The type of the acknowledgement, as annotated; None where there is none."""
