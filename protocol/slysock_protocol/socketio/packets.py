"""Socket.IO v5 packets as values, and the interface of every encoder and decoder.

Source: Socket.IO protocol v5, section "Packet encoding"
(github.com/socketio/socket.io, docs/socket.io-protocol/v5-current.md at d2d753f).
"""

from typing import Protocol, TypeAlias, final

import msgspec

from slysock_protocol.engineio.packets import Outgoing


@final
class Packed(msgspec.Struct, frozen=True, gc=False):
    """The array of an event or an ack in MessagePack, not decoded yet."""

    data: bytes


Body: TypeAlias = bytes | Packed | list[object]
"""The array of an event or an ack: not decoded yet, so that what waits takes no more than its bytes, and JSON text can
be decoded straight into a handler's types; or the decoded list where there were attachments to fill in."""


@final
class Connect(msgspec.Struct, frozen=True, gc=False):
    """A client asks to join a namespace; auth is what it presents, a JSON object."""

    namespace: str
    auth: dict[str, object]


@final
class Disconnect(msgspec.Struct, frozen=True, gc=False):
    """A client leaves a namespace."""

    namespace: str


@final
class Event(msgspec.Struct, frozen=True, gc=False):
    """An event: its body is `[name, *arguments]`. With an ack id, the sender waits for an acknowledgement.

    The name is there as well, in UTF-8, where it could be read without decoding. Nothing of it has been checked: the
    rest of the body may be malformed, and the name may be a reserved one.
    """

    namespace: str
    ack_id: int | None
    body: Body
    name: bytes | None = None


@final
class Ack(msgspec.Struct, frozen=True, gc=False):
    """The acknowledgement of an event that the server emitted: its body is the array of values."""

    namespace: str
    ack_id: int
    body: Body


Packet: TypeAlias = Connect | Disconnect | Event | Ack
"""What a client may send. CONNECT_ERROR goes from server to client only."""


class Decoder(Protocol):
    """Assembles the messages of one connection into packets. Holds at most one packet that waits for attachments."""

    @property
    def waiting_in(self) -> str | None:
        """The namespace of the packet that waits for attachments, if one does."""
        ...

    def feed_text(self, text: bytes) -> Packet | None:
        """Take a text message; return the packet that it completes, or None while attachments are missing.

        Raises:
            RemoteProtocolError: the message breaks the protocol.
        """
        ...

    def feed_binary(self, data: bytes) -> Packet | None:
        """Take a binary message; return the packet that it completes, or None while attachments are missing.

        Raises:
            RemoteProtocolError: the message breaks the protocol, or none was announced.
        """
        ...


class Parser(Protocol):
    """One way to write packets: the JSON that socket.io speaks by default, or MessagePack."""

    def decoder(self) -> Decoder:
        """Make the decoder of one connection."""
        ...

    def connected(self, namespace: str, socket_id: str) -> Outgoing:
        """Encode the server's acceptance of a Connect."""
        ...

    def refused(self, namespace: str, error: object) -> Outgoing:
        """Encode CONNECT_ERROR.

        Raises:
            LocalProtocolError: the error cannot be encoded.
        """
        ...

    def disconnected(self, namespace: str) -> Outgoing:
        """Encode DISCONNECT."""
        ...

    def event(self, namespace: str, name: str, args: tuple[object, ...], ack_id: int | None = None) -> Outgoing:
        """Encode an event.

        Raises:
            LocalProtocolError: a reserved name, more than 10 attachments, or a value that cannot be encoded.
        """
        ...

    def ack(self, namespace: str, ack_id: int, values: tuple[object, ...]) -> Outgoing:
        """Encode an acknowledgement.

        Raises:
            LocalProtocolError: more than 10 attachments, or a value that cannot be encoded.
        """
        ...
