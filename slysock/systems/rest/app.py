"""The HTTP API as one ASGI application, beside Engine.IO on the same port."""

from collections.abc import Callable, Sequence
from typing import Final

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.handlers import HTTPRouteHandler

from slysock.asgi import ASGIApp
from slysock.identity import Tokens

from .areas import RestArea
from .bodies import JsonRequest
from .callers import CALLER, Callers, caller
from .errors import ErrorAnswers
from .spelling import OneSpelling

MAX_BODY_BYTES: Final = 1_000_000
"""As for a Socket.IO message; a route that takes files sets its own."""


def make_rest_app(
    areas: Sequence[RestArea],
    tokens: Tokens,
    *,
    pages: Sequence[HTTPRouteHandler] = (),
    on_failure: Callable[[int], None] | None = None,
) -> ASGIApp:
    """Make the application.

    Args:
        areas: the parts of the API.
        tokens: verify who a caller is.
        pages: routes that belong to no part.
        on_failure: called with the status of each error response.

    Raises:
        ValueError: two parts of the API share a path.
    """
    _refuse_shared_paths(areas)
    answers = ErrorAnswers(areas, on_failure)
    app = Litestar.from_config(
        AppConfig(
            route_handlers=[*pages, *(area.router for area in areas)],
            guards=[Callers(tokens, areas)],
            dependencies={CALLER: caller()},
            exception_handlers={Exception: answers},
            request_class=JsonRequest,
            request_max_body_size=MAX_BODY_BYTES,
            openapi_config=None,
            logging_config=None,
            debug=False,
        )
    )
    return OneSpelling(
        app,
        pages=[path for page in pages for path in page.paths],
        areas=[area.path for area in areas],
        answers=answers,
    )


def _refuse_shared_paths(areas: Sequence[RestArea]) -> None:
    paths = [area.path for area in areas]
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"two parts of the API share the path {path}")
