"""A layer above sessions that notes what it is told, and the request that opens one."""

from typing import final

import trio

from slysock.engineio.receiver import ReceiverStatistics
from slysock.ids import DisconnectReason
from slysock.request import EngineRequest
from slysock_protocol import RemoteProtocolError

OPENING = EngineRequest(headers={}, query={}, address="", secure=False, url="/")


@final
class Above:
    """A Receiver; it refuses b"wrong"."""

    def __init__(self) -> None:
        self.notes: list[object] = []
        self.backlogged = False
        self.ready = trio.Event()

    def text(self, data: bytes) -> None:
        self.binary(data)

    def binary(self, data: bytes) -> None:
        if data == b"wrong":
            raise RemoteProtocolError("wrong")
        self.notes.append(data)

    def closed(self, reason: DisconnectReason, *, by_client: bool) -> None:
        self.notes.append(reason)

    async def wait_ready(self) -> None:
        await self.ready.wait()
        self.backlogged = False

    async def finish(self) -> None:
        self.notes.append("finished")

    def statistics(self) -> ReceiverStatistics:
        return ReceiverStatistics(waiting_events=7)
