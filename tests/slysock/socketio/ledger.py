"""An observer that keeps what was refused."""

from typing import final

from slysock import DisconnectReason, Socket
from slysock.socketio.observer import RefusalRecord


@final
class Ledger:
    """An observer of refusals, among other things."""

    def __init__(self) -> None:
        self.records: list[RefusalRecord] = []

    def joined(self, socket: Socket) -> None: ...
    def left(self, socket: Socket, reason: DisconnectReason) -> None: ...
    def handled(self, socket: Socket, event: str, seconds: float) -> None: ...
    def failed(self, socket: Socket, event: str, error: Exception) -> None: ...
    def session_closed(self, reason: DisconnectReason) -> None: ...

    def refused(self, record: RefusalRecord) -> None:
        self.records.append(record)
