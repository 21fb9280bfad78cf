"""The lives of a session and of its transports, as tables."""

from typing import Final, Literal, TypeAlias

from slysock.states import Table

SessionState: TypeAlias = Literal["open", "upgrading", "closed"]
SessionStep: TypeAlias = Literal["probe", "give up probe", "adopt", "close"]

SESSION: Final[Table[SessionState, SessionStep]] = {
    "open": {"probe": "upgrading", "close": "closed"},
    "upgrading": {"give up probe": "open", "adopt": "open", "close": "closed"},
    "closed": {},
}
"""Of a session: on one transport, while another is probed, and when it is over."""

PollingState: TypeAlias = Literal["idle", "polled", "releasing", "released", "leaving", "lingering", "closed"]
PollingStep: TypeAlias = Literal["poll", "answer", "release", "hold", "close", "close with last words"]

POLLING: Final[Table[PollingState, PollingStep]] = {
    "idle": {"poll": "polled", "release": "released", "close": "closed", "close with last words": "lingering"},
    "polled": {"answer": "idle", "release": "releasing", "close": "leaving", "close with last words": "leaving"},
    # An upgrade is under way, and no GET waits any more. One that did is on its way to its answer.
    "releasing": {"answer": "released", "hold": "polled", "close": "leaving", "close with last words": "leaving"},
    "released": {"hold": "idle", "close": "closed", "close with last words": "lingering"},
    # The GET that waited carries the last words; without one they wait for the next.
    "leaving": {"answer": "closed"},
    "lingering": {"answer": "closed"},
    "closed": {},
}
"""Of a polling transport: whether a GET waits, and what becomes of the next one."""

WebSocketState: TypeAlias = Literal["open", "library", "closing", "closed"]
WebSocketStep: TypeAlias = Literal["cold frame", "goodbye", "say goodbye", "end"]

WEBSOCKET: Final[Table[WebSocketState, WebSocketStep]] = {
    "open": {"cold frame": "library", "goodbye": "closed", "say goodbye": "closing", "end": "closed"},
    "library": {"goodbye": "closed", "say goodbye": "closing", "end": "closed"},
    "closing": {"goodbye": "closed", "end": "closed"},
    "closed": {},
}
"""Of a WebSocket: our own reading, trio-websocket's from the first cold frame on, and the two ways to say goodbye."""
