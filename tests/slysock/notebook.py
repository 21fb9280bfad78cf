"""An observer that writes down what it is told."""

from dataclasses import dataclass, field
from typing import final

from slysock import DisconnectReason, Socket


@final
@dataclass
class Notebook:
    """Writes down what it is told."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def joined(self, socket: Socket) -> None:
        self.told.append(("joined", socket.namespace.name))

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        self.told.append(("left", socket.namespace.name, reason))

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        self.told.append(("handled", event, seconds))

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        self.told.append(("failed", event, type(error).__name__))

    def session_closed(self, reason: DisconnectReason) -> None:
        self.told.append(("closed", reason))
