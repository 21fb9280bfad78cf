"""The smallest Socket.IO client: one namespace, by HTTP long-polling, one call at a time.

Source: Engine.IO protocol v4, "HTTP long-polling"; Socket.IO protocol v5, "Exchange protocol".
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast, final

import httpx  # noqa: ASYNC127 - Litestar needs it anyway

RECORD_SEPARATOR: Final = "\x1e"
PING, PONG, CONNECTED, REFUSED, ACK = "2", "3", "40", "44", "43"


@final
class DemoFailed(Exception):
    """The server did not do what the demo asked for; the text is one line for whoever started it."""


@final
class PollingClient:
    """A client in a namespace. Made by `connect`; call `leave` at the end.

    Args:
        http: a client with the server's address as its base.
        path: where Socket.IO answers.
        namespace: as in a packet, empty for the root.
        session: the id of the Engine.IO session.
    """

    def __init__(self, http: httpx.AsyncClient, path: str, namespace: str, session: str) -> None:
        self._http = http
        self._path = path
        self._prefix = "" if namespace == "/" else f"{namespace},"
        self._query = {"EIO": "4", "transport": "polling", "sid": session}
        self._calls = 0

    @classmethod
    async def connect(cls, http: httpx.AsyncClient, path: str, namespace: str, token: str) -> "PollingClient":
        """Open a session and join a namespace.

        Raises:
            DemoFailed: the server did not let us in.
        """
        opened = await http.get(path, params={"EIO": "4", "transport": "polling"})
        if opened.status_code != HTTPStatus.OK:
            raise DemoFailed(f"{path} answers {opened.status_code}; is --path the server's?")
        session = str(_object(opened.text[1:])["sid"])
        client = cls(http, path, namespace, session)
        await client._post(f"{CONNECTED}{client._prefix}{json.dumps({'token': token})}")
        packet = await client._wait_for(f"{CONNECTED}{client._prefix}", f"{REFUSED}{client._prefix}")
        if packet.startswith(REFUSED):
            raise DemoFailed(f"{namespace} refused: {packet.removeprefix(REFUSED + client._prefix)}")
        return client

    async def call(self, event: str, payload: object) -> object:
        """Send an event and return its acknowledgement.

        Raises:
            DemoFailed: none came.
        """
        self._calls += 1
        await self._post(f"42{self._prefix}{self._calls}{json.dumps([event, payload])}")
        start = f"{ACK}{self._prefix}{self._calls}["
        packet = await self._wait_for(start)
        values = cast("list[object]", json.loads(packet[len(start) - 1 :]))
        return values[0] if values else None

    async def leave(self) -> None:
        """End the session."""
        await self._post("1")

    async def _post(self, packet: str) -> None:
        answer = await self._http.post(self._path, params=self._query, content=packet.encode())
        if answer.status_code != HTTPStatus.OK:
            raise DemoFailed(f"the server refused a packet: {answer.status_code}")

    async def _wait_for(self, *starts: str) -> str:
        """Poll until a packet with one of these beginnings arrives; ignore all others."""
        while True:
            answer = await self._http.get(self._path, params=self._query)
            if answer.status_code != HTTPStatus.OK:
                raise DemoFailed(f"the server ended the session: {answer.status_code}")
            packets = answer.text.split(RECORD_SEPARATOR)
            if PING in packets:
                await self._post(PONG)
            for packet in packets:
                if packet.startswith(starts):
                    return packet


def _object(text: str) -> Mapping[str, object]:
    return cast("Mapping[str, object]", json.loads(text))
