"""Run an ASGI 3 application under Trio: one call per request, and one for the life of the server.

It must know neither what the application is nor that Engine.IO shares its connections. The version spoken is 2.3:
sending to a client that has left does nothing, and the application learns of it from `receive`.
"""

from slysock.asgi.bodies import decode_json
from slysock.asgi.cross_origin import with_cors
from slysock.asgi.exchange import not_found, run_asgi
from slysock.asgi.fallback import AppWithoutHealth, with_fallback
from slysock.asgi.health import Health, HealthCheck, Unfit
from slysock.asgi.interface import (
    ASGIApp,
    Event,
    InvalidMessage,
    LifespanFailed,
    PreciseApp,
    Receive,
    Scope,
    Send,
    State,
)
from slysock.asgi.lifespan import asgi_lifespan
from slysock.request import OriginCheck, is_cross_origin

__all__ = [
    "ASGIApp",
    "AppWithoutHealth",
    "Event",
    "Health",
    "HealthCheck",
    "InvalidMessage",
    "LifespanFailed",
    "OriginCheck",
    "PreciseApp",
    "Receive",
    "Scope",
    "Send",
    "State",
    "Unfit",
    "asgi_lifespan",
    "decode_json",
    "is_cross_origin",
    "not_found",
    "run_asgi",
    "with_cors",
    "with_fallback",
]
