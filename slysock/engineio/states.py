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

PollingState: TypeAlias = Literal["idle", "polled", "leaving", "lingering", "closed"]
PollingStep: TypeAlias = Literal["poll", "answer", "answer in part", "close", "close with last words"]

POLLING: Final[Table[PollingState, PollingStep]] = {
    "idle": {"poll": "polled", "close": "closed", "close with last words": "lingering"},
    "polled": {"answer": "idle", "close": "leaving", "close with last words": "leaving"},
    # The GET that waited carries what it can of the last words; the rest waits for the next.
    "leaving": {"answer": "closed", "answer in part": "lingering"},
    "lingering": {"answer": "closed"},
    "closed": {},
}
"""Of a polling transport: whether a GET waits, and what becomes of the next one."""

UpgradeState: TypeAlias = Literal["waiting", "probed", "over"]
UpgradeStep: TypeAlias = Literal["probe", "upgrade", "give up"]

UPGRADE: Final[Table[UpgradeState, UpgradeStep]] = {
    "waiting": {"probe": "probed", "upgrade": "over", "give up": "over"},
    "probed": {"upgrade": "over", "give up": "over"},
    "over": {},
}
"""Of an upgrade: whether the client has sent `2probe`, and its end."""

WebSocketState: TypeAlias = Literal["light", "open", "library", "closing", "closed"]
WebSocketStep: TypeAlias = Literal["wait", "rest", "cold frame", "goodbye", "say goodbye", "end"]

WEBSOCKET: Final[Table[WebSocketState, WebSocketStep]] = {
    "light": {"wait": "open", "goodbye": "closed", "end": "closed"},
    "open": {
        "rest": "light",
        "cold frame": "library",
        "goodbye": "closed",
        "say goodbye": "closing",
        "end": "closed",
    },
    "library": {"goodbye": "closed", "say goodbye": "closing", "end": "closed"},
    "closing": {"goodbye": "closed", "end": "closed"},
    "closed": {},
}
"""Of a WebSocket: without a task, which is how a plain socket's begins and rests; with one, while something has to
wait; trio-websocket's from the first cold frame on; and the two ways to say goodbye."""
