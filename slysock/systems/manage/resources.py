"""What a system lets another back-end do with it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias, TypeVar, final, get_type_hints

import msgspec
from msgspec import Meta

from slysock.systems.ids import UserName
from slysock.systems.nulls import OrDefault, fill_nulls
from slysock_store import JsonObject

from .presence import UserPresence

P = TypeVar("P", bound=msgspec.Struct)

ResourceId: TypeAlias = str
"""As in the path, percent-decoded: 1 to 128 characters, none of them a slash or a control character."""


@final
class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of record that comes by `PUT /manage/{system}/{kind}/{id}`; idempotent. Made by `resource`."""

    kind: str
    payload: type[msgspec.Struct]
    put: Callable[[ResourceId, msgspec.Struct], Awaitable[object]]
    answer: object
    """The type that `put` returns."""

    doc: str


@final
class Notifications(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /manage/{system}/notifications`. Made by `notifications`."""

    payload: type[msgspec.Struct]
    post: Callable[[msgspec.Struct], Awaitable[object]]
    answer: object
    """The type that `post` returns."""


def resource(kind: str, payload: type[P], put: Callable[[ResourceId, P], Awaitable[object]], *, doc: str) -> Resource:
    """Describe a kind of record.

    Args:
        kind: the word in the path, in the plural: `products`.
        payload: the type of the body.
        put: creates or updates the record, tells live sockets what they should know, and returns the body of the
            answer. Raises DomainError if it cannot. Calling it again with the same arguments must change nothing.
        doc: one line for the API's documentation.
    """

    async def put_checked(record_id: ResourceId, data: msgspec.Struct) -> object:
        assert isinstance(data, payload)
        return await put(record_id, data)

    return Resource(kind=kind, payload=payload, put=put_checked, answer=_answer_of(put), doc=doc)


def notifications(payload: type[P], post: Callable[[P], Awaitable[object]]) -> Notifications:
    """Describe how users are notified.

    Args:
        payload: the type of the body.
        post: stores the notification and delivers it, live or at the next connect; returns it as its user gets it.
            Raises DomainError.
    """

    async def post_checked(data: msgspec.Struct) -> object:
        assert isinstance(data, payload)
        return await post(data)

    return Notifications(payload=payload, post=post_checked, answer=_answer_of(post))


def _answer_of(call: Callable[..., Awaitable[object]]) -> object:  # type: ignore[explicit-any]  # "..." counts as Any
    """Return the type of the answer, from a function's annotation."""
    return get_type_hints(call).get("return", object)


@final
class NewNotice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of `POST /manage/{system}/notifications`."""

    user_id: UserName
    user_type: Annotated[str, Meta(max_length=64)] | None = None
    """The user's role, if ids are unique per role only."""

    type: Annotated[str, Meta(min_length=1, max_length=128)]
    content: object = msgspec.field(default_factory=dict[str, object])
    """Any JSON; what it holds depends on the type."""

    channel: OrDefault[Annotated[str, Meta(min_length=1, max_length=64)]] = "PUSH"
    priority: OrDefault[Annotated[int, Meta(ge=0, le=1000)]] = 1

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class UserRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user's role and profile, as the back-end knows them; the body of `PUT …/users/{userId}` in every system."""

    role: Annotated[str, Meta(min_length=1, max_length=64)]
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    username: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_number: str | None = None
    profile_picture: str | None = None
    profile_picture_url: str | None = None
    avatar: str | None = None
    verified: bool | None = None
    active: bool | None = None
    store: list[dict[str, object]] | dict[str, object] | None = None
    """A vendor's stores."""

    def profile(self) -> JsonObject:
        """Return what is to be stored: what was sent, under the names that tokens use."""
        fields: JsonObject = msgspec.to_builtins(self)
        return {name: value for name, value in fields.items() if name != "role" and value is not None}


@final
class Manage(msgspec.Struct, frozen=True, kw_only=True):
    """All that a system lets another back-end do. What it leaves out is answered with 404."""

    resources: tuple[Resource, ...] = ()
    presence: Callable[[ResourceId, str | None], Awaitable[UserPresence]] | None = None
    """Called with the user's id and, if ids are unique per role only, the `userType` of the query or None."""

    notifications: Notifications | None = None
