"""Several systems as one thing to serve."""

from collections.abc import Sequence
from functools import partial
from typing import final

import msgspec
import trio

from slysock import Router, Server
from slysock.asgi import AppWithoutHealth, ASGIApp, OriginCheck, with_cors
from slysock.extras import needs_extra

with needs_extra("slysock.systems", "systems"):
    from slysock.telemetry import CONTENT_TYPE

    from .asyncapi import asyncapi_document
    from .foundation import Foundation
    from .manage.routes import manage_area
    from .metrics import SystemsMetrics
    from .rest.app import make_rest_app
    from .rest.openapi import openapi_document
    from .rest.pages import metrics_route, site_routes
    from .system import System


@final
class Assembly(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is made of: `Server(*assembly.routers, app=assembly.app, internal_app=assembly.internal_app)`.

    Then, before the first client connects, call `assembly.started(server)` and run `assembly.run` in a task beside it.
    """

    systems: tuple[System, ...]
    foundation: Foundation
    routers: tuple[Router, ...]
    app: ASGIApp
    internal_app: ASGIApp
    """For a server with an internal listener: `/metrics`, which is then not in `app`."""

    metrics: SystemsMetrics | None = None

    def prepare(self) -> None:
        """Find what is missing before anything is served. Blocks.

        Raises:
            SystemUnusable: a system lacks what it cannot do without.
        """
        for system in self.systems:
            system.prepare()

    def started(self, server: Server) -> None:
        """Tell the systems which server they are on."""
        for system in self.systems:
            system.started(server)
            for check in system.checks:
                server.add_check(check)
        if self.metrics is not None:
            self.metrics.bind(server)
            for system in self.systems:
                self.metrics.add(system.gauges, measure=system.measure)

    async def run(self) -> None:
        """Keep all deadlines until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.foundation.admission.run)
            for system in self.systems:
                nursery.start_soon(system.run)


def assemble(
    systems: Sequence[System],
    foundation: Foundation,
    *,
    cors_origins: Sequence[str] | None = None,
    cors_origin_check: OriginCheck | None = None,
    metrics: SystemsMetrics | None = None,
    has_internal_listener: bool = False,
) -> Assembly:
    """Assemble systems that stand on one foundation.

    Args:
        systems: made on the foundation.
        foundation: whose store and tokens they use.
        cors_origins: pages that may use the HTTP API, as in the server's Config.
        cors_origin_check: likewise, `cors_origin_check`.
        metrics: served at `/metrics`; the foundation's store must be one that they `watch`.
        has_internal_listener: keep `/metrics` from everybody else.

    Raises:
        ValueError: two of them want the same path.
    """
    areas = (
        *(area for system in systems for area in system.rest),
        manage_area({system.name: system.manage for system in systems}),
    )
    pages = [*site_routes(openapi=partial(openapi_document, areas), asyncapi=partial(asyncapi_document, systems))]
    inside = [] if metrics is None else [metrics_route(metrics.render, CONTENT_TYPE)]
    if not has_internal_listener:
        pages += inside
    on_failure = None if metrics is None else metrics.http_failed
    app = make_rest_app(areas, foundation.tokens, pages=pages, on_failure=on_failure)
    return Assembly(
        systems=tuple(systems),
        foundation=foundation,
        metrics=metrics,
        # Systems that share a namespace share the router of its door; each router counts once.
        routers=tuple(dict.fromkeys(router for system in systems for router in system.routers)),
        app=AppWithoutHealth(with_cors(app, cors_origins, check=cors_origin_check)),
        internal_app=make_rest_app((), foundation.tokens, pages=inside),
    )
