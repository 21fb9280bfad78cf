"""A Socket.IO server on Trio, for stock clients.

from slysock import Router, run

root = Router("/")

@root.on("echo")
async def echo(socket, *args):
    return args

run(root, port=3000)
"""

from slysock.config import Config
from slysock.engineio.hooks import AnswerHeaders, EngineHooks, RefusedRequest
from slysock.errors import AckTimeout, ConnectionRefused, Disconnected, InvalidPayload, RateLimited, Refusal
from slysock.handlers.handler import NO_ACK, NoAck
from slysock.handlers.router import Router
from slysock.http.listeners import Listening
from slysock.ids import DisconnectReason
from slysock.request import EngineRequest, Handshake, Origins
from slysock.server import Server, run
from slysock.socketio.broadcast import Broadcast
from slysock.socketio.client_socket import Socket
from slysock.socketio.namespace import Namespace
from slysock_protocol import LocalProtocolError

__version__ = "0.1.0"

__all__ = [
    "NO_ACK",
    "AckTimeout",
    "AnswerHeaders",
    "Broadcast",
    "Config",
    "ConnectionRefused",
    "DisconnectReason",
    "Disconnected",
    "EngineHooks",
    "EngineRequest",
    "Handshake",
    "InvalidPayload",
    "Listening",
    "LocalProtocolError",
    "Namespace",
    "NoAck",
    "Origins",
    "RateLimited",
    "Refusal",
    "RefusedRequest",
    "Router",
    "Server",
    "Socket",
    "run",
]
