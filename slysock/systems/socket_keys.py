"""What systems keep in `socket.data`: a typed key for each, so that nobody else's value is taken for one's own."""

from typing import Generic, TypeVar, final

from slysock import Socket

T = TypeVar("T")


@final
class Key(Generic[T]):
    """A place in `socket.data` for a value of one type. What is there outlives the connection, for disconnect hooks.

    Args:
        name: begins with the system's name, as all systems of a namespace share its sockets.
        kind: the type of what `set` stores and `get` returns.
    """

    def __init__(self, name: str, kind: type[T]) -> None:
        self._name = name
        self._kind = kind

    def get(self, socket: Socket) -> T | None:
        """Return the value kept for a socket; None if there is none."""
        value = socket.data.get(self._name)
        return value if isinstance(value, self._kind) else None

    def set(self, socket: Socket, value: T) -> None:
        """Keep a value for a socket, in place of an earlier one."""
        socket.data[self._name] = value
