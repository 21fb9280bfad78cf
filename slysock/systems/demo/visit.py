"""One visit to a server: as its back-end, and as any of its users."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, cast, final

import httpx  # noqa: ASYNC127 - Litestar needs it anyway

from .polling import DemoFailed, PollingClient

Claims: TypeAlias = Mapping[str, object]
"""What a token says about its bearer: `userId`, `role` and so on."""

Sign: TypeAlias = Callable[[Claims], str]
"""Makes a token from claims."""


@final
class Visit:
    """Speaks to one system.

    Args:
        http: a client with the server's address as its base.
        path: where Socket.IO answers.
        system: whose management API to use.
        sign: makes tokens that the server accepts.
    """

    def __init__(self, http: httpx.AsyncClient, *, path: str, system: str, sign: Sign) -> None:
        self._http = http
        self._path = path
        self._system = system
        self._sign = sign

    async def put(self, path: str, body: Mapping[str, object]) -> object:
        """Put a record through the management API.

        Raises:
            DemoFailed: the server refused.
        """
        return await self._request("PUT", f"/manage/{self._system}/{path}", self._back_end(), body)

    async def notify(self, body: Mapping[str, object]) -> object:
        """Notify a user through the management API.

        Raises:
            DemoFailed: the server refused.
        """
        return await self._request("POST", f"/manage/{self._system}/notifications", self._back_end(), body)

    async def request(self, claims: Claims, method: str, path: str, body: object = None) -> object:
        """Make a request as a user.

        Raises:
            DemoFailed: the server refused.
        """
        return await self._request(method, path, self._sign(claims), body)

    @asynccontextmanager
    async def client(self, claims: Claims, namespace: str) -> AsyncGenerator["Talk", None]:
        """Join a namespace as a user for as long as the block runs.

        Raises:
            DemoFailed: the server refused.
        """
        client = await PollingClient.connect(self._http, self._path, namespace, self._sign(claims))
        yield Talk(client)
        await client.leave()

    def _back_end(self) -> str:
        return self._sign({"userId": "demo", "role": "service"})

    async def _request(self, method: str, path: str, token: str, body: object) -> object:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        answer = await self._http.request(method, path, headers=headers, content=content)
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} is answered {answer.status_code}: {answer.text[:200]}")
        return cast("object", answer.json())


Story: TypeAlias = Callable[[Visit], Awaitable[Sequence[str]]]
"""Fills a system and returns lines about what is there now, for whoever started it."""


@final
class Talk:
    """A user in a namespace."""

    def __init__(self, client: PollingClient) -> None:
        self._client = client

    async def say(self, event: str, payload: object) -> object:
        """Send an event and return its acknowledgement.

        Raises:
            DemoFailed: the acknowledgement says that the event was refused.
        """
        answer = await self._client.call(event, payload)
        _refuse_failure(event, answer)
        return answer


def _refuse_failure(event: str, answer: object) -> None:
    """Raise DemoFailed for an answer in one of the shapes that systems have for a failure."""
    if isinstance(answer, dict):
        said = cast("Mapping[str, object]", answer)
        if said.get("error") or said.get("success") is False or said.get("status") == "error":
            raise DemoFailed(f"{event} is answered: {said.get('message', said.get('error'))}")


def field(value: object, *names: str) -> str:
    """Return a text from inside nested objects.

    Raises:
        DemoFailed: it is not there.
    """
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise DemoFailed(f"an answer has no {'.'.join(names)}")
        value = cast("Mapping[str, object]", value)[name]
    return str(value)
