"""What goes wrong in a request, as a status and a text: one table for every part of the API.

Litestar's own failures (unknown path, wrong method, invalid body) and the domain's are answered in the shape of the
part that they happen in.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, TypeAlias, cast

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from slysock.systems.domain import DomainError
from slysock.systems.failures import UNEXPECTED_TEXT, status_of, text_of

from .areas import RestArea
from .callers import HttpRequest

logger = logging.getLogger("slysock.systems")

SERVER_ERROR: Final = 500
WHOLE_BODY: Final = "data"
"""Litestar's name for a body, which means nothing to a client."""

MISSING_BODY: Final = repr(WHOLE_BODY)
"""What Litestar says about a request without a body: the KeyError of looking for it."""

_TEXTS: Final[Mapping[int, str]] = {
    404: "Not found",
    405: "Method not allowed",
    413: "The request is too large",
    415: "Unsupported media type",
}


class PlainError(Struct, frozen=True, kw_only=True, rename="camel"):
    """An error outside of every part of the API, and of the management API."""

    status_code: int
    message: str
    error: str
    """The phrase of the status."""


def plain_error(status: int, text: str) -> PlainError:
    """Make the error; a `RenderError`."""
    return PlainError(status_code=status, message=text, error=HTTPStatus(status).phrase)


class ErrorAnswers:
    """Answers failures, in the shape of the part of the API that a request's path is in."""

    def __init__(self, areas: Sequence[RestArea], on_failure: Callable[[int], None] | None = None) -> None:
        self._on_failure = on_failure
        self._areas = sorted(areas, key=lambda area: -len(area.path))  # the longest path that fits decides

    def __call__(self, request: HttpRequest, error: Exception) -> Response[object]:
        """Answer a failure; an exception handler of Litestar's."""
        status, text = describe(error)
        if self._on_failure is not None:
            self._on_failure(status)
        if status >= SERVER_ERROR and not isinstance(error, DomainError):
            logger.error("%s %s failed", request.method, _route_of(request), exc_info=error)
        headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
        allowed = getattr(error, "headers", None) if status == HTTPStatus.METHOD_NOT_ALLOWED else None
        return Response(self._body(request.scope["path"], status, text), status_code=status, headers=allowed or headers)

    def not_found(self, path: str) -> object:
        """Return the body for a path that nothing is at."""
        if self._on_failure is not None:
            self._on_failure(HTTPStatus.NOT_FOUND)
        return self._body(path, HTTPStatus.NOT_FOUND, _TEXTS[404])

    def _body(self, path: str, status: int, text: str) -> object:
        for area in self._areas:
            if area.owns(path):
                return area.render_error(status, text)
        return plain_error(status, text)


def describe(error: Exception) -> tuple[int, str]:
    """Return status and text for a failure, revealing no internals."""
    if isinstance(error, ValidationException):
        return error.status_code, _first_complaint(error)
    if isinstance(error, HTTPException):
        return error.status_code, _TEXTS.get(error.status_code) or _phrase(error)
    return status_of(error), text_of(error)


def _phrase(error: HTTPException) -> str:
    if error.status_code >= SERVER_ERROR:
        return UNEXPECTED_TEXT
    return error.detail or HTTPStatus(error.status_code).phrase


Complaint: TypeAlias = Mapping[str, object]


def _first_complaint(error: ValidationException) -> str:
    """Return the first complaint of msgspec; it names the place and the expected type."""
    complaints: object = error.extra
    if not isinstance(complaints, list) or not complaints:
        return "Invalid request"
    match complaints[0]:
        case {"message": str(message), "key": str(key)} if (message, key) == (MISSING_BODY, WHOLE_BODY):
            return "The request needs a JSON body"
        case {"message": str(message), "key": str(key)} if key != WHOLE_BODY:
            return f"{message} at `{key}`"
        case {"message": str(message)}:
            return message
        case _:
            return "Invalid request"


def _route_of(request: HttpRequest) -> str:
    """Return the route, not the path: ids and other contents of a path are not for the log."""
    template = cast("Mapping[str, object]", request.scope).get("path_template")  # missing where no route was found
    return template if isinstance(template, str) else "a request"
