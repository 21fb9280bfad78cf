"""The routes of the management API, made from what the systems declare."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from slysock.systems.domain import Invalid
from slysock.systems.rest.areas import RestArea, rest_router
from slysock.systems.rest.callers import with_role
from slysock.systems.rest.errors import plain_error

from .presence import UserPresence
from .resources import Manage, Notifications, Resource

PATH: Final = "/manage"
MAX_ID_CHARACTERS: Final = 128

_FOR_BACK_ENDS: Final = (with_role("service", "admin"),)


def manage_area(systems: Mapping[str, Manage]) -> RestArea:
    """Make the management API.

    Args:
        systems: name -> what can be done with it.
    """
    handlers = [handler for name, manage in systems.items() for handler in _handlers_of(name, manage)]
    return rest_router(PATH, handlers, plain_error)


def _handlers_of(system: str, manage: Manage) -> list[HTTPRouteHandler]:
    handlers = [_put(system, resource) for resource in manage.resources]
    if manage.presence is not None:
        handlers.append(_presence(system, manage))
    if manage.notifications is not None:
        handlers.append(_notify(system, manage.notifications))
    return handlers


def _put(system: str, resource: Resource) -> HTTPRouteHandler:
    async def put_record(record_id: FromPath[str], data: msgspec.Struct) -> object:
        return await resource.put(_checked(record_id), data)

    _declare(put_record, resource.payload, resource.answer)
    return put(
        f"/{system}/{resource.kind}/{{record_id:str}}",
        operation_id=f"put_{system}_{resource.kind}",
        summary=resource.doc,
        tags=[f"manage {system}"],
        guards=_FOR_BACK_ENDS,
        status_code=HTTPStatus.OK,
    )(put_record)


def _notify(system: str, notifications: Notifications) -> HTTPRouteHandler:
    async def post_notification(data: msgspec.Struct) -> object:
        return await notifications.post(data)

    _declare(post_notification, notifications.payload, notifications.answer)
    return post(
        f"/{system}/notifications",
        operation_id=f"post_{system}_notification",
        summary="Notify a user, live or at the next connect.",
        tags=[f"manage {system}"],
        guards=_FOR_BACK_ENDS,
        status_code=HTTPStatus.CREATED,
    )(post_notification)


def _presence(system: str, manage: Manage) -> HTTPRouteHandler:
    presence = manage.presence
    assert presence is not None

    async def get_presence(
        user_id: FromPath[str],
        userType: FromQuery[str | None] = None,  # noqa: N803 - as on the wire
    ) -> UserPresence:
        return await presence(_checked(user_id), userType)

    return get(
        f"/{system}/presence/{{user_id:str}}",
        operation_id=f"get_{system}_presence",
        summary="Get whether a user is online, and on how many connections.",
        tags=[f"manage {system}"],
        guards=_FOR_BACK_ENDS,
    )(get_presence)


def _declare(handler: Callable[..., object], payload: type[msgspec.Struct], answer: object) -> None:  # type: ignore[explicit-any]  # any handler
    """Set the annotations of a handler's body and answer, which Litestar reads: only the system knows their types."""
    handler.__annotations__["data"] = JSONBody[payload]  # type: ignore[misc, valid-type]  # a type at run time
    handler.__annotations__["return"] = answer


def _checked(record_id: str) -> str:
    """Refuse an id that no back-end has.

    Raises:
        Invalid: empty, too long, or with control characters.
    """
    if not 0 < len(record_id) <= MAX_ID_CHARACTERS or not record_id.isprintable():
        raise Invalid(f"An id must have 1 to {MAX_ID_CHARACTERS} printable characters")
    return record_id
