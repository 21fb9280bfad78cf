"""What a server can be told: one frozen value, checked when it is made.

The command line (slysock.cli) reads the same names from flags, `SLYSOCK_*` and a TOML file; nothing else may hold a
setting. Units are in the names.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

TransportName = Literal["polling", "websocket"]
ParserName = Literal["json", "msgpack"]

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/A-Z*,\s]*/?")  # a scheme, a host, a port; apps write capacitor://…


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits and habits of one server. The defaults are those of Node's socket.io where it has the option.

    Raises:
        TypeError: an option that does not exist, or text where a list belongs.
        ValueError: a value that no server could work with.
    """

    path: str = "/socket.io/"
    """Where Engine.IO answers, with and without the slash at its end; requests elsewhere go to the ASGI application."""

    transports: Sequence[TransportName] = ("polling", "websocket")
    """What a client may use. A connection that opens with another transport gets `Transport unknown`."""

    allow_upgrades: bool = True
    """Whether a polling session may move to WebSocket."""

    parser: ParserName = "json"
    """`json` is the default parser of socket.io; `msgpack` is socket.io-msgpack-parser, set on both sides."""

    cors_origins: Sequence[str] | None = None
    """Origins that may connect, with credentials, on polling and WebSocket alike. None: any origin, without."""

    ping_interval_seconds: float = 25.0
    """Time between two heartbeats."""

    ping_timeout_seconds: float = 20.0
    """How long a client may take to answer a heartbeat."""

    upgrade_timeout_seconds: float = 10.0
    """How long a client may take between opening the WebSocket of an upgrade and finishing it."""

    connect_timeout_seconds: float = 45.0
    """How long a connection may stay without having joined a namespace."""

    max_payload_bytes: int = 1_000_000
    """The largest message or polling body taken from a client; announced as `maxPayload` in the handshake."""

    max_namespaces: int = 100
    """How many namespaces one connection may be in or waiting for at once."""

    max_outbox_bytes: int = 4_194_304
    """What may wait for one client as long as it likes. Above this a clock runs: see `slow_consumer_seconds`. Volatile
    events are left out for a client of whom more is waiting."""

    slow_consumer_seconds: float = 10.0
    """A client that stays above `max_outbox_bytes` for so long and takes less than `slow_consumer_bytes` meanwhile is a
    slow consumer and is disconnected."""

    slow_consumer_bytes: int = 1_048_576
    """See `slow_consumer_seconds`; with the defaults, some 100 kB/s."""

    max_outbox_hard_bytes: int = 67_108_864
    """What may wait for one client at all, or one message that is larger; past that it is disconnected at once as a
    slow consumer. `await socket.drained()` waits for room."""

    max_outboxes_bytes: int | None = None
    """What may wait for all clients together; past that the one for whom most is waiting is disconnected, and so on.
    None: a quarter of the memory that the process may use, limits of its control groups included."""

    max_pending_events: int = 256
    """How many events of one client may wait for its handlers; past that, or past `max_payload_bytes` of several, the
    server stops reading from it: a goodbye waits, too."""

    max_pending_bytes: int = 16_777_216
    """What may wait for the handlers of a client whose acknowledgement one of them awaits: reading goes on for the
    sake of the answer. Each event counts as its bytes and 512 more."""

    write_timeout_seconds: float = 20.0
    """A connection on which nothing could be written for this long is closed forcefully."""

    leave_grace_seconds: float = 10.0
    """How long the events of a client that has left by itself are still handled."""

    handler_cleanup_seconds: float = 5.0
    """What an `on_disconnect` coroutine, or a cancelled handler that cleans up, may still take; in a graceful stop at
    most a quarter of it."""

    shutdown_seconds: float = 10.0
    """A graceful stop ends after so long, whoever is still there and whatever they shield. Handlers have what remains
    of it when two clean-ups' time is kept back."""

    request_head_seconds: float = 20.0
    """How long a client may take to send a request line and headers; also how long an idle keep-alive lasts."""

    request_body_seconds: float = 30.0
    """How long a client may take between two pieces of a request body, or two attachments of a packet."""

    max_request_head_bytes: int = 16_384
    """Request line and headers together; more is answered with 431."""

    compression_threshold_bytes: int = 1024
    """Polling bodies of this size or more are compressed when the client accepts gzip or deflate."""

    max_connections: int = 100_000
    """Open sockets at once, of every kind; past that new ones are closed at once. Also the most sessions at once, which
    by polling need no socket; past that a new one by polling is answered 503."""

    def __post_init__(self) -> None:
        """Refuse what no server could work with; a wrong number is found at start-up, not under load."""
        for name in self.__struct_fields__:
            value: object = getattr(self, name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if not self.path.startswith("/"):
            raise ValueError(f"path must start with a slash, not {self.path!r}")
        if self.max_outbox_hard_bytes < self.max_outbox_bytes:
            raise ValueError("max_outbox_hard_bytes must not be less than max_outbox_bytes")
        if isinstance(self.cors_origins, str):
            raise TypeError("cors_origins must be a list; text would be taken for a list of letters")
        for origin in self.cors_origins or ():
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin as browsers write it: https://shop.example, http://localhost:5173. "
                    "To allow every page, leave cors_origins out"
                )
        unknown = set(self.transports) - {"polling", "websocket"}
        if unknown or not self.transports:
            raise ValueError("transports must be polling, websocket or both")
        if self.parser not in ("json", "msgpack"):
            raise ValueError(f"parser must be json or msgpack, not {self.parser!r}")
