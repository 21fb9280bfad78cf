"""What a server can be told: one frozen value, checked when it is made.

The command line (slysock.cli) reads the same names from flags, `SLYSOCK_*` and a TOML file; nothing else may hold a
setting. Units are in the names.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from inspect import iscoroutinefunction
from ipaddress import ip_network
from typing import Final, Literal, get_type_hints

import msgspec

from slysock.request import OriginCheck

TransportName = Literal["polling", "websocket"]
ParserName = Literal["json", "msgpack"]

UNIX_PEER: Final = "unix"
"""What `trusted_proxies` calls whoever comes by a Unix socket, and so has no address."""

MIN_SECONDS: Final = 0.001
"""Clients are told of times in whole milliseconds."""

MAX_SECONDS: Final = 2_147_483
"""Some 24 days: timers in browsers and Node keep 2^31 - 1 milliseconds at most; told of more, they fire at once."""

MAX_NUMBER: Final = 2**53 - 1
"""The largest whole number that a client in JavaScript reads as it was sent."""

RATES: Final = (
    "address_handshakes_per_second",
    "address_refused_logins_per_second",
    *("client_events_per_second", "client_bytes_per_second", "client_joins_per_second"),
    *("user_events_per_second", "user_bytes_per_second", "user_joins_per_second"),
)
"""The options that are rates; each allows `burst_seconds` of itself at once, or one where that is less."""

_PATH: Final = re.compile(r"/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+/?")  # what nobody on the way encodes or resolves
_ALLOWED_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://([^/A-Z*,\s]*|\*\.[^/A-Z*,\s]+)/?|null"
)  # a scheme, a host, a port; apps write capacitor://…


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits and habits of one server. The defaults are those of Node's socket.io where it has the option.

    Times are at least a millisecond and at most some 24 days, whole numbers at least 1.

    Raises:
        TypeError: an option that does not exist, or a value of another type than the option's.
        ValueError: a value that no server could work with, alone or beside another.
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
    """Origins that may connect, with credentials, on polling and WebSocket alike: https://shop.example,
    https://*.shop.example for all names below it, and null, without credentials. None: any origin, without."""

    cors_origin_check: OriginCheck | None = None
    """A plain function, asked of an origin that `cors_origins` does not list, as in
    `lambda origin: origin in tenants`. True lets its pages in, with credentials; anything else, an exception too, does
    not. It must not wait."""

    allowed_hosts: Sequence[str] | None = None
    """Names that the server answers under, on whatever port: shop.example, *.shop.example for all below it, addresses.
    Anything else gets 421. None: any; a page of anybody whose name points here then counts as our own, whatever
    `cors_origins` says."""

    trusted_proxies: Sequence[str] = ()
    """Addresses and networks of the proxies in front, as 10.0.0.0/8, and `unix` for one on a Unix socket. What they say
    of a client counts: its address, whether it uses TLS, the host that it named (X-Forwarded-For, -Proto and -Host, or
    Forwarded where the first of them does not come). Each must set or remove what it gets of these."""

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

    max_auth_bytes: int = 16_384
    """What a client may present when it joins a namespace, its `auth`, as it is on the wire: it is kept as long as the
    client is there. More closes the connection."""

    max_outbox_bytes: int = 4_194_304
    """What may wait for one client as long as it likes. Above this a clock runs: see `slow_consumer_seconds`. Volatile
    events are left out for a client of whom more is waiting."""

    slow_consumer_seconds: float = 10.0
    """A client that stays above `max_outbox_bytes` for so long and takes less than `slow_consumer_bytes` meanwhile is a
    slow consumer and is disconnected."""

    slow_consumer_bytes: int = 1_048_576
    """See `slow_consumer_seconds`; with the defaults, some 100 kB/s."""

    max_outbox_hard_bytes: int = 67_108_864
    """What may wait for one client at all; past that it is disconnected at once as a slow consumer. A message that is
    larger is refused where it is emitted. `await socket.drained()` waits for room."""

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
    of it when two clean-ups' time is kept back; the last tenth is for lifespans to end in, and what is left before."""

    request_head_seconds: float = 20.0
    """How long a client may take to send a request line and headers, in all, and before that for the handshake of TLS
    and the first byte; also how long an idle keep-alive lasts."""

    request_body_seconds: float = 300.0
    """How long a client may keep the server waiting for one body, or one message by WebSocket, in all; longer as long
    as `min_bytes_per_second` come on average, as an upload may have to."""

    request_stall_seconds: float = 30.0
    """How long it may take between two pieces of a body."""

    response_seconds: float = 300.0
    """How long a client may keep the server waiting while it takes one answer, in all; longer as long as it takes
    `min_bytes_per_second` on average. See `write_timeout_seconds`, too."""

    min_bytes_per_second: int = 30_000
    """Who sends or takes so much on average may take longer than `request_body_seconds` and `response_seconds`."""

    max_request_head_bytes: int = 16_384
    """Request line and headers together; more is answered with 431."""

    compression: bool = True
    """Whether the bodies of answers by polling are compressed when the client accepts gzip or deflate."""

    compression_threshold_bytes: int = 1024
    """Smaller bodies than this are not."""

    max_connections: int = 100_000
    """Open sockets at once, of every kind; past that new ones are closed at once. Also the most sessions at once, which
    by polling need no socket; past that a new one by polling is answered 503."""

    max_unjoined: int = 10_000
    """Sessions at once whose client has not been let into a namespace; past that new ones are answered 503. One that
    keeps more than 4 kB of its request's head counts once more for each 4 kB."""

    max_unjoined_per_address: int = 1000
    """As many of them from one address, or one network of 64 bits of IPv6. Not for this machine's own addresses, Unix
    sockets and trusted proxies."""

    max_idle_connections: int = 10_000
    """Connections at once that have no request under way, new ones and kept ones; past that the one that has waited
    longest for its next is closed."""

    memory_release_seconds: float = 30.0
    """How often, at most, memory that is free goes back to the system, in a quiet second. Where the process is the
    server's own (`run` and the command line), on Linux with glibc."""

    address_handshakes_per_second: int = 100
    """New sessions of one address, on average; for IPv6 of a /64. Past that it gets 429. Nothing is counted of
    loopback, Unix sockets and trusted proxies themselves; clients behind any other proxy share its address."""

    address_refused_logins_per_second: int = 10
    """Clients of one address, likewise, that are refused when they join a namespace. Past that, the connection of one
    more is closed; good ones come in as ever."""

    client_events_per_second: int = 20_000
    """Events of one connection, on average. Past that they are refused, with `retryAfter`; a client that goes on for
    another `burst_seconds` of them is disconnected."""

    client_bytes_per_second: int = 20_000_000
    """Size of these events, attachments included."""

    client_joins_per_second: int = 100
    """How often one connection asks to join a namespace, on average. Past that it is refused, and disconnected when it
    goes on."""

    user_events_per_second: int = 500
    """Events of one user on all connections together, at the same time or one after the other. Users are those of
    tokens, and those whom a program names by `socket.set_user`."""

    user_bytes_per_second: int = 5_000_000
    """Size of these events."""

    user_joins_per_second: int = 100
    """How often one user joins a namespace, on all connections together."""

    burst_seconds: float = 10.0
    """What somebody did not use of these rates for so long may be used at once: of 500 events a second, 5000 events."""

    def __post_init__(self) -> None:
        """Refuse what no server could work with; a wrong value is found at start-up, not under load."""
        for name, kind in _kinds().items():
            _check(name, getattr(self, name), kind)
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"path must start with a slash and hold letters, digits and -._~, not {self.path!r}")
        if not self.transports:
            raise ValueError("transports must be polling, websocket or both")
        for origin in self.cors_origins or ():
            _check_origin(origin)
        for host in self.allowed_hosts or ():
            if not _ALLOWED_HOST.fullmatch(host):
                raise ValueError(f"allowed_hosts: {host!r} is no name or address; write shop.example, without a port")
        for network in self.trusted_proxies:
            _check_network(network)
        if iscoroutinefunction(self.cors_origin_check):
            raise TypeError("cors_origin_check must be a plain function")
        _check_together(self)


def _check_together(config: Config) -> None:
    """Refuse options that are good alone and not beside each other."""
    if config.max_outbox_hard_bytes < config.max_outbox_bytes:
        raise ValueError("max_outbox_hard_bytes must not be less than max_outbox_bytes")
    if config.ping_interval_seconds + config.ping_timeout_seconds > MAX_SECONDS:
        raise ValueError(
            f"ping_interval_seconds and ping_timeout_seconds together must be at most {MAX_SECONDS}: "
            "clients wait for their sum"
        )


def _check_origin(origin: str) -> None:
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(
            f"{origin!r} is no origin as browsers write it: https://shop.example, http://localhost:5173, "
            "https://*.shop.example, null. To allow every page, leave cors_origins out"
        )


def _check_network(text: str) -> None:
    try:
        if text != UNIX_PEER:
            ip_network(text)
    except ValueError as error:
        raise ValueError(f"trusted_proxies: {error}; write 10.0.0.0/8, fd00::/8 or {UNIX_PEER}") from None


@cache
def _kinds() -> Mapping[str, object]:
    """Return the types of the options: name -> annotation."""
    return get_type_hints(Config)


def _check(name: str, value: object, kind: object) -> None:
    """Hold an option's value against its type, and a number against the bounds of its kind.

    Raises:
        TypeError: it is of another type.
        ValueError: it is out of bounds.
    """
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise TypeError(f"{name}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    least, most = (MIN_SECONDS, MAX_SECONDS) if kind in (float, float | None) else (1, MAX_NUMBER)
    if not least <= value <= most:  # nor is nan
        raise ValueError(f"{name} must be between {least} and {most}, not {value}")
