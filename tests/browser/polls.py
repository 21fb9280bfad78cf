"""Which polls of a page wait for an answer, by the browser's own account.

By polling there are moments without a request, and a client that vanishes in one of them is missed by nobody until the
heartbeat. A test that is not about that waits for a poll that is on its way.
"""

from typing import Final, NewType, final

import msgspec

from tests.browser.devtools import Incoming

RequestId = NewType("RequestId", str)

_ENDS: Final = ("Network.responseReceived", "Network.loadingFinished", "Network.loadingFailed")


@final
class _Request(msgspec.Struct, frozen=True):
    url: str
    method: str


@final
class _Event(msgspec.Struct, frozen=True, rename="camel"):
    request_id: RequestId
    request: _Request | None = None


@final
class Polls:
    """The account of one page."""

    def __init__(self) -> None:
        self._wanted: set[RequestId] = set()
        self._sent: set[RequestId] = set()  # its lines have gone out; may be told before what it is
        self._ended: set[RequestId] = set()

    @property
    def under_way(self) -> bool:
        """Whether there is one now."""
        return bool((self._wanted & self._sent) - self._ended)

    def take(self, message: Incoming) -> None:
        """Note an event of the domain `Network`; others, and sockets, are ignored."""
        if message.method == "Network.requestWillBeSent":
            event = msgspec.json.decode(message.params, type=_Event)
            if event.request is not None and event.request.method == "GET" and "transport=polling" in event.request.url:
                self._wanted.add(event.request_id)
        elif message.method == "Network.requestWillBeSentExtraInfo":
            self._sent.add(msgspec.json.decode(message.params, type=_Event).request_id)
        elif message.method in _ENDS:
            self._ended.add(msgspec.json.decode(message.params, type=_Event).request_id)
