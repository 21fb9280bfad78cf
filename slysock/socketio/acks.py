"""Acknowledgements that the server waits for: one client's, or those of a whole room.

Ids come from one counter per namespace, so that a packet with an id can be encoded once for a room.
"""

from typing import cast, final

import trio

from slysock.engineio.timers import Timers
from slysock.errors import AckTimeout, Disconnected


def answer_value(values: list[object]) -> object:
    """Turn the arguments of a client's acknowledgement into what `call` returns: none, the one, or a tuple."""
    match values:
        case []:
            return None
        case [value]:
            return value
        case _:
            return tuple(values)


def values_of(result: object) -> tuple[object, ...]:
    """Turn a handler's result into the arguments of its acknowledgement: a tuple is several values, None is none."""
    if result is None:
        return ()
    return cast("tuple[object, ...]", result) if isinstance(result, tuple) else (result,)


@final
class Answers:
    """The answers to one call.

    Attributes:
        values: what came, in the order of arrival.
    """

    def __init__(self, expected: int) -> None:
        self.values: list[object] = []
        self._missing = expected
        self._done = trio.Event()

    def take(self, values: list[object]) -> None:
        """Take one client's acknowledgement, by its arguments."""
        self.values.append(answer_value(values))
        self._count()

    def gone(self) -> None:
        """Expect one answer less: its client has left."""
        self._count()

    def _count(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._done.set()

    async def wait(self, timeout_seconds: float, timers: Timers) -> None:
        """Wait until nobody is missing. Time in which the server's loop stands still does not count.

        Raises:
            AckTimeout: somebody still is; the answers that came are with it.
        """
        if self._missing > 0:
            timer = timers.call_later(timeout_seconds, self._done.set)
            try:
                await self._done.wait()
            finally:
                timer.cancel()
            if self._missing > 0:
                raise AckTimeout(f"{self._missing} of the clients did not answer in {timeout_seconds} s", self.values)
        else:
            await trio.lowlevel.checkpoint()  # who asks again and again must not keep the loop to itself

    def only(self) -> object:
        """Return the answer of a call to one client.

        Raises:
            Disconnected: it left before it answered.
        """
        if not self.values:
            raise Disconnected("the client left before it answered")
        return self.values[0]
