"""Health, as an ASGI application: `/healthz` and `/readyz`.

`/healthz` is 200 as long as the process answers. `/readyz` says whether new clients should be sent here: 503 for what
only this node suffers from, so that another takes over. What all nodes share, as a database elsewhere, is no reason to
take them all away: it is named as `degraded`, with 200, and is 503 only for those who ask `/readyz?strict`.
"""

import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast, final

import msgspec
import trio

from slysock.asgi.interface import Receive, Scope, Send

logger = logging.getLogger("slysock")

LIVE: Final = "/healthz"
READY: Final = "/readyz"

LOOK_SECONDS: Final = 2.0
"""A check that takes longer has failed."""

PAUSE_SECONDS: Final = 1.0
"""What was found is told for so long: those who ask often make no work."""

Body: TypeAlias = Mapping[str, object]


class Unfit(Exception):
    """What a check raises to say why: its text is shown to whoever reads `/readyz`, which may be everybody."""


@final
class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a server cannot do without."""

    name: str
    """A word for whoever reads `/readyz`, which is everybody where there is no internal listener."""

    look: Callable[[], Awaitable[bool]]
    """Returns whether it is there. An exception, or two seconds without an answer, means that it is not; that of
    `Unfit` is told."""

    shared: bool = False
    """Whether all nodes have the same one, so that its absence is no reason to prefer another node."""


@final
class Health:
    """What a node knows of itself.

    Args:
        accepting: tells whether it takes new clients.
    """

    def __init__(self, accepting: Callable[[], bool]) -> None:
        self._accepting = accepting
        self._checks: list[HealthCheck] = []
        self._failing: Sequence[HealthCheck] = []
        self._why: Mapping[str, str] = {}  # the name of a check that fails -> what it has said
        self._looked_at = -math.inf  # trio's time
        self._looking = trio.Lock()

    def add(self, check: HealthCheck) -> None:
        """Ask this, too, from now on."""
        self._checks.append(check)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Answer a request for one of the two paths."""
        status, body = (200, {"status": "ok"}) if scope["path"] == LIVE else await self._readiness(scope)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        encoded = json.dumps(body, separators=(",", ":")).encode()
        headers.append((b"content-length", b"%d" % len(encoded)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": encoded})

    async def _readiness(self, scope: Scope) -> tuple[int, Body]:
        failing = await self._look()
        failed = [] if self._accepting() else ["stopping"]
        failed += [check.name for check in failing if not check.shared]
        degraded = [check.name for check in failing if check.shared]
        names = (("failed", failed), ("degraded", degraded), ("why", self._why))
        is_ready = not failed and not (degraded and _is_strict(scope))
        return 200 if is_ready else 503, {"ready": is_ready, **{kind: found for kind, found in names if found}}

    async def _look(self) -> Sequence[HealthCheck]:
        """Return the checks that fail, as of this second."""
        async with self._looking:
            if trio.current_time() - self._looked_at >= PAUSE_SECONDS:
                failing, self._why = await self._find_failing()
                if failing != self._failing:
                    names = ", ".join(f"{check.name}{self._reason(check)}" for check in failing)
                    logger.warning("what the server needs is %s", f"missing: {names}" if names else "there again")
                self._failing, self._looked_at = failing, trio.current_time()
            return self._failing

    def _reason(self, check: HealthCheck) -> str:
        return f" ({self._why[check.name]})" if check.name in self._why else ""

    async def _find_failing(self) -> tuple[Sequence[HealthCheck], Mapping[str, str]]:
        missing = set(range(len(self._checks)))
        why: dict[str, str] = {}

        async def look(number: int) -> None:
            try:
                if await self._checks[number].look():
                    missing.discard(number)
            except Unfit as reason:
                why[self._checks[number].name] = str(reason)
            except Exception:  # the boundary to a check, which says by this that something is amiss
                logger.debug("the check %r failed", self._checks[number].name, exc_info=True)

        try:
            with trio.move_on_after(LOOK_SECONDS):
                async with trio.open_nursery() as nursery:
                    for number in missing:
                        nursery.start_soon(look, number)
        except* Exception:  # one that was cancelled, and then failed
            logger.debug("a check failed while it was cut short", exc_info=True)
        return [self._checks[number] for number in sorted(missing)], why


def _is_strict(scope: Scope) -> bool:
    query = cast("bytes", scope["query_string"])
    return any(parameter.partition(b"=")[0] == b"strict" for parameter in query.split(b"&"))
