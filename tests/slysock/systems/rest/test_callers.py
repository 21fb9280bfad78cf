"""Token and role are asked for before anything of a body is read, on every route of every system.

The routes are those that are registered: a new one is in these tests by itself.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import final

import pytest
import trio
from litestar import post
from litestar.params import JSONBody
from litestar.routes import HTTPRoute
from msgspec import Struct
from trio.testing import MockClock, wait_all_tasks_blocked

from examples.rides import rides
from slysock import Router
from slysock.systems.foundation import Foundation
from slysock.systems.rest import Caller, rest_router, with_role
from slysock.systems.rest.areas import RestArea
from slysock.systems.system import System
from slysock.systems.uploads import MAX_OVERHEAD_BYTES
from tests.slysock.systems.market import token_for
from tests.slysock.systems.registered import DECLARED, MAKERS
from tests.slysock.systems.rest.test_documents import operations
from tests.slysock.systems.running import Running, json_of, open_systems

ROLES = sorted({*(role.lower() for system in DECLARED for role in system.roles), "service", "rider", "stranger"})

BACK_ENDS = {"service", "admin"}

MAY: Mapping[tuple[str, str], set[str]] = {
    ("POST", "/support/conversations"): {"admin", "restaurant"},
    ("POST", "/support/conversations/with-admin"): {"user", "restaurant", "market", "pharmacy"},
    ("PATCH", "/support/conversations/anything"): {"admin"},
}
"""Who may use a route of a system's own, where not everybody may."""


@final
class Route(Struct, frozen=True):
    method: str
    path: str

    def may(self, role: str) -> bool:
        if self.path.startswith("/manage/"):
            return role in BACK_ENDS
        return role in MAY.get((self.method, self.path), {role})


@asynccontextmanager
async def everything() -> AsyncGenerator[Running]:
    async with open_systems(*MAKERS.values(), rides) as running:
        yield running


async def routes(running: Running) -> list[Route]:
    document = json_of(await running.http("GET", "/openapi.json"))
    found = [Route(method.upper(), re.sub(r"{[^}]*}", "anything", path)) for path, method, _ in operations(document)]
    assert {route.path.split("/")[1] for route in found} == {"api", "support", "manage"}
    assert "/manage/rides/rides/anything" in {route.path for route in found}
    return found


async def refused_at_the_head(running: Running, route: Route, *lines: str) -> bytes:
    """Send a head that announces a body, and nothing of the body; return the answer, which must come at once."""
    started = trio.current_time()
    stream = running.memory.open()
    head = (f"{route.method} {route.path} HTTP/1.1", "host: a", "content-type: application/json", *lines)
    await stream.send_all("\r\n".join((*head, "", "")).encode())
    answer = bytes(await stream.receive_some())
    assert trio.current_time() == started, route
    await trio.aclose_forcefully(stream)
    return answer


def bearer(role: str, user_id: object = 5) -> str:
    return f"authorization: Bearer {token_for(user_id, role)}"


async def test_the_walk_misses_no_route_that_is_registered() -> None:
    async with everything() as running:
        walked = {(route.method, route.path) for route in await routes(running)}
        areas = [area for system in running.assembly.systems for area in system.rest]
    assert {pair for area in areas for pair in registered(area)} <= walked
    assert set(MAY) <= walked


def registered(area: RestArea) -> set[tuple[str, str]]:
    return {
        (str(method), re.sub(r"{[^}]*}", "anything", route.path_format))
        for route in area.router.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    }


async def test_without_a_token_no_body_is_read(autojump_clock: MockClock) -> None:
    async with everything() as running:
        for route in await routes(running):
            for length in ("content-length: 100", "transfer-encoding: chunked", "content-length: 999999999999"):
                answer = await refused_at_the_head(running, route, length)
                assert answer.startswith(b"HTTP/1.1 401 "), (route, answer)
                assert b"www-authenticate: Bearer\r\n" in answer


async def test_without_a_token_nonsense_is_401_in_the_shape_of_its_part(autojump_clock: MockClock) -> None:
    async with everything() as running:
        for route in await routes(running):
            headers = [("content-type", "application/json")]
            answer = await running.memory.request(route.method, route.path, headers=headers, body=b"{bad")
            assert answer.status == 401, (route, answer)
            if route.method != "HEAD":
                shape = json_of(answer)
                assert isinstance(shape, dict)
                message = "Authentication token is missing"
                assert shape["message"] == message
                expected = {"success"} if route.path.startswith("/api/chat") else {"statusCode", "error"}
                assert shape.keys() == {"message"} | expected


async def test_with_another_role_no_body_is_read_and_with_the_role_it_is(autojump_clock: MockClock) -> None:
    async with everything() as running:
        for route in await routes(running):
            for role in ROLES:
                if not route.may(role):
                    answer = await refused_at_the_head(running, route, bearer(role), "content-length: 100")
                    assert answer.startswith(b"HTTP/1.1 403 "), (route, role, answer)
                    continue
                headers = [("content-type", "application/json"), ("authorization", f"Bearer {token_for(5, role)}")]
                answered = await running.memory.request(route.method, route.path, headers=headers, body=b"{bad")
                assert answered.status not in (401, 403, 500), (route, role, answered)


async def test_a_token_that_is_for_nobody_of_a_system_opens_none_of_its_bodies(autojump_clock: MockClock) -> None:
    """Ids that no user can have."""
    async with everything() as running:
        for route in await routes(running):
            if route.path.startswith("/manage/"):
                continue  # a back-end is no user
            line = bearer("admin" if route.may("admin") else "user", "x" * 129)
            answer = await refused_at_the_head(running, route, line, "content-length: 100")
            assert answer.startswith(b"HTTP/1.1 401 "), (route, answer)


async def test_whoever_waits_for_100_is_refused_without_it_and_the_connection_closed(
    autojump_clock: MockClock,
) -> None:
    async with everything() as running:
        for route in await routes(running):
            expecting = ("expect: 100-continue", "content-length: 100")
            answer = await refused_at_the_head(running, route, *expecting)
            assert answer.startswith(b"HTTP/1.1 401 "), (route, answer)
            assert b"connection: close\r\n" in answer
            for role in ROLES:
                if not route.may(role):
                    answer = await refused_at_the_head(running, route, bearer(role), *expecting)
                    assert answer.startswith(b"HTTP/1.1 403 "), (route, answer)
                    assert b"connection: close\r\n" in answer


async def test_an_upload_that_waits_for_100_and_is_refused_keeps_no_connection(autojump_clock: MockClock) -> None:
    """Its client sends nothing more: nothing is waited for."""
    async with everything() as running:
        limit = 52_428_800 + MAX_OVERHEAD_BYTES
        stream = running.memory.open()
        head = (
            "POST /api/chat/x/send-media HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=x\r\n"
            f"{bearer('buyer')}\r\nexpect: 100-continue\r\ncontent-length: {limit + 1}\r\n\r\n"
        )
        await stream.send_all(head.encode())
        started, answer = trio.current_time(), b""
        while piece := await stream.receive_some():
            answer += piece
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert trio.current_time() - started < 3


async def test_a_body_that_its_client_cuts_off_is_no_failure_of_ours_on_any_route(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with everything() as running:
        for route in await routes(running):
            role = next(role for role in ROLES if route.may(role))
            for body in (b'content-length: 100\r\n\r\n{"a', b'transfer-encoding: chunked\r\n\r\n5\r\n{"a"'):
                for kind in ("application/json", "multipart/form-data; boundary=x"):
                    stream = running.memory.open()
                    head = f"{route.method} {route.path} HTTP/1.1\r\nhost: a\r\n{bearer(role)}\r\n"
                    await stream.send_all(f"{head}content-type: {kind}\r\n".encode() + body)
                    await wait_all_tasks_blocked()
                    await trio.aclose_forcefully(stream)
                    await wait_all_tasks_blocked()
        metrics = (await running.http("GET", "/metrics")).body
    assert b'status="500"' not in metrics
    assert [record.getMessage() for record in caplog.records if record.exc_info or record.levelno > 20] == []


@post("/open")
async def write_open(data: JSONBody[list[int]]) -> list[int]:
    return data


@post("/named")
async def write_named(identity: Caller, data: JSONBody[list[int]]) -> list[object]:
    return [identity.user_id, *data]


@post("/guarded", guards=[with_role("admin")])
async def write_guarded(data: JSONBody[list[int]]) -> list[int]:
    return data


def small(foundation: Foundation) -> System:
    handlers = [write_open, write_named, write_guarded]
    area = rest_router("/small", handlers, lambda status, text: {"small": status})
    return System(name="small", routers=(Router("/small"),), run=trio.sleep_forever, rest=(area,))


async def test_a_guard_is_a_wish_for_a_token_and_a_route_without_either_is_open() -> None:
    async with open_systems(small) as running:
        admin, user = token_for(1, "Admin"), token_for(1, "user")
        assert (await running.http("POST", "/small/open", body=[1])).status == 201
        assert (await running.http("POST", "/small/named", body=[1])).status == 401
        assert json_of(await running.http("POST", "/small/named", token=user, body=[2])) == [1, 2]
        assert (await running.http("POST", "/small/guarded", body=[1])).status == 401
        assert (await running.http("POST", "/small/guarded", token=user, body=[1])).status == 403
        assert json_of(await running.http("POST", "/small/guarded", token=admin, body=[2])) == [2]
        document = json_of(await running.http("GET", "/openapi.json"))
        secured = {path for path, _, operation in operations(document) if "security" in operation}
        assert secured == {"/small/named", "/small/guarded"}
