"""Real clients for the tests: stock socket.io-client on Node, and python-socketio's client.

They talk to a real port in real time. Every wait has a deadline, a fail-safe only: no test may depend on it.
"""

from tests.clients.node import CallError, ConnectError, NodeClient, NodeClients, ReceivedEvent, node_clients
from tests.clients.python import PythonClient, PythonEvent, python_client
from tests.clients.wire import Payload

__all__ = [
    "CallError",
    "ConnectError",
    "NodeClient",
    "NodeClients",
    "Payload",
    "PythonClient",
    "PythonEvent",
    "ReceivedEvent",
    "node_clients",
    "python_client",
]
