"""Engine.IO by polling, a request at a time."""

import json

from slysock import Router
from slysock.ids import DisconnectReason
from slysock.testing import Memory, Response

OPEN = "/socket.io/?EIO=4&transport=polling"
UPGRADE = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
ERRORS = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version",
}


def reasons() -> tuple[Router, list[DisconnectReason]]:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log


class Quiet:
    """A polling session that polls only when told to."""

    def __init__(self, memory: Memory, sid: str) -> None:
        self.memory = memory
        self.target = f"{OPEN}&sid={sid}"

    async def get(self, **options: object) -> Response:
        return await self.memory.request("GET", self.target, **options)  # type: ignore[arg-type]  # headers

    async def post(self, body: bytes) -> Response:
        return await self.memory.request("POST", self.target, body=body)


async def quiet(memory: Memory, *, join: bool = True) -> Quiet:
    response = await memory.request("GET", OPEN)
    assert response.status == 200
    session = Quiet(memory, json.loads(response.body[1:])["sid"])
    if join:
        assert (await session.post(b"40")).body == b"ok"
        assert (await session.get()).body.startswith(b"40{")
    return session
