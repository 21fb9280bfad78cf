"""How a failure is shown to clients: a status of HTTP, which the dialects' errors carry too, a text, when to retry."""

from typing import Final

from msgspec import UNSET, UnsetType

from slysock import InvalidPayload, RateLimited

from .domain import (
    Busy,
    Conflict,
    DomainError,
    Full,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unavailable,
)

UNEXPECTED_TEXT: Final = "Something went wrong"

_STATUS: Final[dict[type[DomainError], int]] = {
    Invalid: 400,
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    Busy: 503,
    Unavailable: 503,
    Full: 507,
}


def status_of(error: Exception) -> int:
    """Return the status of a failure; 500 for an unexpected one."""
    match error:
        case DomainError():
            return _STATUS[type(error)]
        case InvalidPayload():
            return 400
        case RateLimited():
            return 429
        case _:
            return 500


def text_of(error: Exception) -> str:
    """Return the text of a failure; that of an unexpected one reveals nothing."""
    match error:
        case DomainError() | RateLimited():
            return str(error)
        case InvalidPayload():
            return f"Invalid payload: {error}"
        case _:
            return UNEXPECTED_TEXT


def retry_after_of(error: Exception) -> float | UnsetType:
    """Return in how many seconds the same would be allowed, where that is all that is wrong."""
    return error.retry_after_seconds if isinstance(error, RateLimited) else UNSET
