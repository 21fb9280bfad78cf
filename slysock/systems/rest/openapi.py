"""The OpenAPI 3.1 document: Litestar's, corrected where it cannot know better.

Litestar describes its own errors, which nobody gets, and does not see that a dependency asks for a token.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, TypeAlias, cast

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute

from .areas import RestArea
from .callers import CALLER, asks_for_token, caller

Object: TypeAlias = dict[str, object]

DESCRIPTION: Final = """\
The HTTP side of the chat systems; their events are in [/asyncapi.json](/asyncapi.json).

A request carries a JSON Web Token as a socket does: in the `Authorization` header, as `?token=` or in the cookie \
`token`.
"""

SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "query": {"type": "apiKey", "in": "query", "name": "token"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "token"},
}

_ALWAYS: Final = (400, 500, 503)
_FOR_CALLERS: Final = (401, 403)
_STORING: Final = ("post", "put", "patch")
_FULL: Final = 507


def openapi_document(areas: Sequence[RestArea]) -> Object:
    """Describe the HTTP API."""
    document, callers = _described_by_litestar(areas)
    schemas = cast("dict[str, object]", cast("Object", document.setdefault("components", {})).setdefault("schemas", {}))
    errors = {area.path: _error_schema(area, schemas) for area in areas}
    for path, method, operation in _operations_of(document):
        area = next(area for area in areas if area.owns(path))
        more = (*(_FOR_CALLERS if (path, method) in callers else ()), *((_FULL,) if method in _STORING else ()))
        _correct(operation, errors[area.path], more, asks_for_token=(path, method) in callers)
        operation.setdefault("tags", [area.path])
    cast("Object", document["components"])["securitySchemes"] = SCHEMES
    return document


def _described_by_litestar(areas: Sequence[RestArea]) -> tuple[Object, set[tuple[str, str]]]:
    """Let a second application describe the routes, so that the one that serves needs none of Litestar's pages."""
    app = Litestar(
        route_handlers=[area.router for area in areas],
        dependencies={CALLER: caller()},
        openapi_config=OpenAPIConfig(
            title="slysock", version=version("slysock"), description=DESCRIPTION, use_handler_docstrings=True
        ),
        logging_config=None,
    )
    callers = {
        (route.path_format, method.lower())
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if asks_for_token(handler)
        for method in handler.http_methods
    }
    return cast("Object", app.openapi_schema.to_schema()), callers


def _operations_of(document: Object) -> Iterator[tuple[str, str, Object]]:
    paths = cast("dict[str, dict[str, Object]]", document["paths"])
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield path, method, operation


def _error_schema(area: RestArea, schemas: Object) -> Object:
    """Describe the error of a part of the API from an example."""
    error = area.render_error(400, "")
    if isinstance(error, msgspec.Struct):
        (schema,), components = msgspec.json.schema_components(
            [type(error)], schema_hook=_anything, ref_template="#/components/schemas/{name}"
        )
        schemas.update(components)
        return schema
    fields = cast("Object", msgspec.to_builtins(error)) if isinstance(error, dict) else {}
    return {"type": "object", "required": list(fields), "properties": {name: {} for name in fields}}


def _anything(kind: type) -> Object:  # noqa: ARG001 - the shape of msgspec's hook
    return {"description": "Any JSON value"}


def _correct(operation: Object, error: Object, more: Sequence[int], *, asks_for_token: bool) -> None:
    responses = cast("Object", operation["responses"])
    for status in sorted({*_ALWAYS, *more, *(int(code) for code in responses if int(code) >= HTTPStatus.BAD_REQUEST)}):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": error}},
        }
    if asks_for_token:
        operation["security"] = [{name: []} for name in SCHEMES]
    description = operation.pop("description", None)
    if isinstance(description, str):
        operation["summary"], _, rest = description.partition("\n")
        if rest.strip():
            operation["description"] = rest.strip()
