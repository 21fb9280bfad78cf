"""Speaking to many clients at once."""

from typing import final

from slysock.socketio.adapter import Adapter
from slysock.socketio.client_socket import Socket
from slysock.socketio.commands import Audience, Disconnect, Emit, Join, Leave


@final
class Broadcast:
    """An audience in a namespace, and what can be said to it or done with it. Immutable: every step makes a new one."""

    __slots__ = ("_adapter", "_audience")

    def __init__(self, adapter: Adapter, audience: Audience) -> None:
        self._adapter = adapter
        self._audience = audience

    def to(self, *rooms: str) -> "Broadcast":
        """Add rooms. A client in several of them gets the event once; where no rooms are named at all, nobody does."""
        return self._but(
            Audience((self._audience.rooms or ()) + rooms, self._audience.excluded, self._audience.volatile)
        )

    def except_(self, *rooms: str) -> "Broadcast":
        """Leave out whoever is in one of these rooms; wins over `to`. A socket id is a room too."""
        return self._but(Audience(self._audience.rooms, self._audience.excluded + rooms, self._audience.volatile))

    @property
    def volatile(self) -> "Broadcast":
        """Leave out clients that cannot take the event right now."""
        return self._but(Audience(self._audience.rooms, self._audience.excluded, volatile=True))

    def _but(self, audience: Audience) -> "Broadcast":
        return Broadcast(self._adapter, audience)

    def emit(self, event: str, *args: object) -> None:
        """Send an event. Never waits: what a client cannot take now is queued for it.

        Raises:
            LocalProtocolError: the event cannot be encoded; nobody got it.
        """
        self._adapter.perform(Emit(self._audience, event, args))

    async def call(self, event: str, *args: object, timeout: float = 5) -> list[object]:  # noqa: ASYNC109 - the fixed API
        """Send an event and gather an acknowledgement from each client; those that leave meanwhile are left out.

        Returns:
            The answers in the order of arrival, each as `Socket.call` returns it.

        Raises:
            AckTimeout: some did not answer in `timeout` seconds; the answers that came are with it.
            LocalProtocolError: the event cannot be encoded; nobody got it.
        """
        return await self._adapter.gather(self._audience, event, args, timeout)

    def sockets(self) -> list[Socket]:
        """List the clients, on this server."""
        return self._adapter.sockets(self._audience)

    def join(self, *rooms: str) -> None:
        """Put all of them into rooms."""
        self._adapter.perform(Join(self._audience, rooms))

    def leave(self, *rooms: str) -> None:
        """Take all of them out of rooms."""
        self._adapter.perform(Leave(self._audience, rooms))

    def disconnect(self, *, close: bool = False) -> None:
        """Disconnect all of them."""
        self._adapter.perform(Disconnect(self._audience, close))
