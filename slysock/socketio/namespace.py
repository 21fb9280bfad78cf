"""A namespace: what users hold of it."""

from typing import Final, final

from slysock.socketio.adapter import Adapter
from slysock.socketio.broadcast import Broadcast
from slysock.socketio.client_socket import Socket
from slysock.socketio.commands import Audience, Emit

_EVERYBODY: Final = Audience()


@final
class Namespace:
    """One namespace of a server. Get it by `server.of(name)` or as `socket.namespace`."""

    def __init__(self, adapter: Adapter) -> None:
        self.name = adapter.name
        self._adapter = adapter

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._adapter)} sockets>"

    def emit(self, event: str, *args: object) -> None:
        """Send an event to every client of the namespace; see Broadcast.emit."""
        self._adapter.perform(Emit(_EVERYBODY, event, args))

    async def call(self, event: str, *args: object, timeout: float = 5) -> list[object]:  # noqa: ASYNC109 - the fixed API
        """Send an event to every client and gather their acknowledgements; see Broadcast.call."""
        return await self._adapter.gather(_EVERYBODY, event, args, timeout)

    def to(self, *rooms: str) -> Broadcast:
        """Speak to rooms; to nobody where none are named."""
        return Broadcast(self._adapter, Audience(rooms=rooms))

    def except_(self, *rooms: str) -> Broadcast:
        """Speak to everybody who is in none of these rooms."""
        return Broadcast(self._adapter, Audience(excluded=rooms))

    @property
    def volatile(self) -> Broadcast:
        """Speak to whoever can take it right now."""
        return Broadcast(self._adapter, Audience(volatile=True))

    @property
    def client_count(self) -> int:
        """How many clients there are, on this server."""
        return len(self._adapter)

    def sockets(self) -> list[Socket]:
        """List the clients, on this server."""
        return self._adapter.sockets(_EVERYBODY)

    def get(self, socket_id: str) -> Socket | None:
        """Find a client by its id, on this server."""
        target = self._adapter.get(socket_id)
        return None if target is None else target.socket
