"""A Socket.IO server on Trio, for stock clients.

from slysock import Router, run

root = Router("/")

@root.on("echo")
async def echo(socket, *args):
    return args

run(root, port=3000)
"""

from slysock.broadcast import Broadcast
from slysock.config import Config
from slysock.errors import AckTimeout, ConnectionRefused, Disconnected, InvalidPayload, Refusal
from slysock.listeners import Listening
from slysock.namespace import Namespace
from slysock.request import Handshake
from slysock.router import NO_ACK, Router
from slysock.server import Server, run
from slysock.session import DisconnectReason
from slysock.socket import Socket
from slysock_protocol import LocalProtocolError

__all__ = [
    "NO_ACK",
    "AckTimeout",
    "Broadcast",
    "Config",
    "ConnectionRefused",
    "DisconnectReason",
    "Disconnected",
    "Handshake",
    "InvalidPayload",
    "Listening",
    "LocalProtocolError",
    "Namespace",
    "Refusal",
    "Router",
    "Server",
    "Socket",
    "run",
]
