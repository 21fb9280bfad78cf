"""The documents of the API, and a page to read them that loads nothing from elsewhere."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

JSON: Final = MediaType.JSON
PAGE_FILE: Final = "docs.html"

MakeDocument = Callable[[], object]


def site_routes(*, openapi: MakeDocument, asyncapi: MakeDocument) -> Sequence[HTTPRouteHandler]:
    """Make the routes. Each document is built once, when it is first requested."""
    openapi_json = cache(lambda: msgspec.json.encode(openapi()))
    asyncapi_json = cache(lambda: msgspec.json.encode(asyncapi()))

    @get("/openapi.json", include_in_schema=False, sync_to_thread=False)
    def give_openapi() -> Response[bytes]:
        return Response(openapi_json(), media_type=JSON)

    @get("/asyncapi.json", include_in_schema=False, sync_to_thread=False)
    def give_asyncapi() -> Response[bytes]:
        return Response(asyncapi_json(), media_type=JSON)

    @get("/docs", include_in_schema=False, sync_to_thread=False)
    def give_page() -> Response[bytes]:
        page, policy = _page()
        headers = {"content-security-policy": policy, "x-content-type-options": "nosniff"}
        return Response(page, media_type=MediaType.HTML, headers=headers)

    return (give_openapi, give_asyncapi, give_page)


def metrics_route(render: Callable[[], Awaitable[bytes]], content_type: str) -> HTTPRouteHandler:
    """Make the route that monitoring reads."""

    @get("/metrics", include_in_schema=False)
    async def give_metrics() -> Response[bytes]:
        return Response(await render(), media_type=content_type)

    return give_metrics


@cache
def _page() -> tuple[bytes, str]:
    """Read the page, and make the policy that lets a browser run its script and no other."""
    page = files("slysock.systems.rest").joinpath(PAGE_FILE).read_bytes()
    script, style = (_hash(page, tag) for tag in (b"script", b"style"))
    sources = f"script-src {script}; style-src {style}; connect-src 'self'"
    return page, f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _hash(page: bytes, tag: bytes) -> str:
    """Hash the contents of an inline element (Content Security Policy Level 3, section 2.3.1)."""
    found = re.search(rb"<%b>(.*?)</%b>" % (tag, tag), page, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'"
