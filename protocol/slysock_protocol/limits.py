"""Limits that belong to the protocol rather than to one server's settings."""

from typing import Final

MAX_ATTACHMENTS: Final = 10
"""Binary attachments of one packet, either way. JavaScript clients since socket.io-parser 4.2.6 drop the whole
connection when they get more, so more is refused at emit; what comes in is held to the same, counted before anything
is stored (CVE-2026-48804, GHSA-55mf-67qm-4wpg)."""

MAX_NAMESPACE_BYTES: Final = 512
"""Longest namespace name taken from a client, in UTF-8. Names are kept per connection and appear in logs."""

MAX_ACK_ID: Final = 2**53 - 1
"""Largest acknowledgement id: JavaScript's Number.MAX_SAFE_INTEGER. socket.io counts up from 0."""

MAX_AUTH_BYTES: Final = 16_384
"""What a client may present when it joins a namespace, where nothing else is said: it is kept as long as the client."""

MAX_PACKET_BYTES: Final = 67_108_864
"""The largest packet that is sent, where nothing else is said."""

MAX_DEPTH: Final = 128
"""How deep what comes may be nested: deeper, it can be read but not sent on, as encoders end at some 250. JSON is held
to it at every 32nd bracket, so that what is deeper by less than that may pass."""

MAX_PLACEHOLDER_DEPTH: Final = 200
"""How deep a packet with attachments may be nested; deeper is refused rather than walked."""

FULL_FRAGMENT_BYTES: Final = 64
"""A fragment of a WebSocket message that carries so much is worth the time that its header takes; a smaller one wastes
the rest. Autobahn's test suite sends 4 MiB in fragments of this size (cases 9.3.1 and 9.4.1)."""

MAX_FRAGMENTS: Final = 1024
"""Empty fragments of one message, or as many small ones as waste the same. However small they are, their payloads are
gathered in one buffer: a message costs the memory of its bytes and no more (CVE-2026-48779)."""

RESERVED_EVENTS: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Event names that socket.io keeps for itself (socket.io-parser, RESERVED_EVENTS); neither side may emit them."""
