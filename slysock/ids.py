"""What things are called: ids that are never bare text, and why a client is gone."""

from typing import Literal, NewType, TypeAlias

SessionId = NewType("SessionId", str)
"""Names an Engine.IO session; whoever has it can speak for the client, so it is never shown to others or logged."""

SocketId = NewType("SocketId", str)
"""Names a client in a namespace; public."""

RoomName = NewType("RoomName", str)

DisconnectReason: TypeAlias = Literal[
    "transport close",
    "transport error",
    "ping timeout",
    "parse error",
    "slow consumer",
    "forced close",
    "forced server close",
    "server shutting down",
    "client namespace disconnect",
    "server namespace disconnect",
]
"""Why a client is gone: the reasons of Node's server, and `slow consumer`, which it does not have."""
