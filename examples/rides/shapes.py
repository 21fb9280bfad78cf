"""What clients and the back-end send, and what they get."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class RideRecord(Struct, frozen=True, rename="camel"):
    """A ride as its back-end describes it. Its people stay the same: another driver is another ride."""

    rider_id: Id
    driver_id: Id


class Open(Struct, frozen=True, rename="camel"):
    """`open`: read the chat of a ride."""

    ride_id: Id


class Say(Open, frozen=True):
    """`say`: send a message to the other person."""

    text: str
    client_message_id: Id | None = None
    """A retry with the same value is answered with the first message."""


class Typing(Open, frozen=True):
    """`typing`: the other person gets what one has sent."""

    is_typing: bool


class Said(Open, frozen=True):
    """A message; `at` is in ISO 8601."""

    id: str
    by: str
    text: str
    at: str


class Opened(Struct, frozen=True, rename="camel"):
    """The chat of a ride, the newest message first, and whether the other person is online."""

    messages: list[Said]
    is_online: bool


class Present(Struct, frozen=True, rename="camel"):
    """Somebody has come or gone."""

    user_id: str
    is_online: bool
