"""Engine.IO v4 packets: what arrives as values, what leaves as bytes.

Source: Engine.IO protocol v4, sections "Packet encoding" and "Payload encoding"
(github.com/socketio/socket.io, docs/engine.io-protocol/v4-current.md at d2d753f).

A packet is one text message whose first character is its type, or one binary message, always of type "message".
Over WebSocket a message is a frame. Over HTTP several are joined by the record separator, binary ones as `b` and
base64.
"""

import binascii
from collections.abc import Iterator
from typing import Final, TypeAlias, final

import msgspec

from slysock_protocol.errors import CloseCode, RemoteProtocolError
from slysock_protocol.websocket.frames import binary_frame, text_frame

SEPARATOR: Final = b"\x1e"


@final
class Open(msgspec.Struct, frozen=True, gc=False):
    """`0`: the handshake; only servers send it."""


@final
class Close(msgspec.Struct, frozen=True, gc=False):
    """`1`: the other side ends the session."""


@final
class Ping(msgspec.Struct, frozen=True, gc=False):
    """`2`: from the server a heartbeat; from a client, with data `probe`, the test of an upgrade."""

    data: bytes = b""


@final
class Pong(msgspec.Struct, frozen=True, gc=False):
    """`3`: the answer to a ping, with the ping's data."""

    data: bytes = b""


@final
class Message(msgspec.Struct, frozen=True, gc=False):
    """`4`: text for the layer above, in UTF-8."""

    data: bytes


@final
class BinaryMessage(msgspec.Struct, frozen=True, gc=False):
    """Binary data for the layer above."""

    data: bytes


@final
class Upgrade(msgspec.Struct, frozen=True, gc=False):
    """`5`: the client now uses the transport that it probed."""


@final
class Noop(msgspec.Struct, frozen=True, gc=False):
    """`6`: ends a waiting poll without saying anything."""


Packet: TypeAlias = Open | Close | Ping | Pong | Message | BinaryMessage | Upgrade | Noop

MESSAGE: Final = 0x34  # "4": the type that all traffic has
PONG: Final = 0x33  # "3"


def decode_packet(text: bytes) -> Packet:
    """Decode one text message, in UTF-8.

    Binary data as `b` and base64 is understood here too: a JavaScript client with the option forceBase64 sends it
    that way over WebSocket.

    Raises:
        RemoteProtocolError: no packet type, data after a type that carries none, or malformed base64.
    """
    kind, data = text[:1], text[1:]
    if kind == b"4":
        return Message(data)
    if kind == b"b":
        return BinaryMessage(_decode_base64(data))
    if kind == b"3":
        return Pong(data)
    if kind == b"2":
        return Ping(data)
    if data or kind not in _BARE:
        raise RemoteProtocolError("malformed Engine.IO packet")
    return _BARE[kind]


_BARE: Final[dict[bytes, Packet]] = {b"0": Open(), b"1": Close(), b"5": Upgrade(), b"6": Noop()}


def _decode_base64(text: bytes) -> bytes:
    """Decode strictly, except for line breaks, which Java's client writes (engine.io-client-java, Parser.java)."""
    try:
        return binascii.a2b_base64(text.translate(None, b"\r\n"), strict_mode=True)
    except binascii.Error:
        raise RemoteProtocolError("malformed base64") from None


def decode_payload(body: bytes) -> Iterator[Packet]:
    """Decode the body of a polling request one packet at a time, so that a long one costs no list of them.

    Raises:
        RemoteProtocolError: from the packet that is malformed; those before it have been yielded.
    """
    start, end = 0, 0
    while end >= 0:
        end = body.find(SEPARATOR, start)
        piece = body[start:] if end < 0 else body[start:end]
        _check_utf8(piece)
        yield decode_packet(piece)
        start = end + 1


def _check_utf8(piece: bytes) -> None:
    if not piece.isascii():
        try:
            piece.decode()
        except UnicodeDecodeError:
            raise RemoteProtocolError("text that is not UTF-8", CloseCode.NOT_UTF8) from None


@final
class Outgoing:
    """Engine.IO packets that belong together, in both wire forms, each made once.

    A broadcast makes one Outgoing and hands it to every outbox, so that all WebSocket clients share one bytes object
    and all polling clients another. It enters an outbox whole or not at all: a binary event never loses its
    attachments, and nothing comes between them.

    Attributes:
        text: a text packet with its type digit, or None where there are only binary messages.
        binaries: binary messages, sent after the text.
        frames: the WebSocket frames, ready for the wire of any client: server frames are not masked.
    """

    __slots__ = ("_payload", "binaries", "frames", "text")

    def __init__(self, text: bytes | None, binaries: tuple[bytes, ...] = ()) -> None:
        self.text = text
        self.binaries = binaries
        frames = b"" if text is None else text_frame(text)
        self.frames = b"".join((frames, *map(binary_frame, binaries))) if binaries else frames
        self._payload: bytes | None = None

    @property
    def packets(self) -> int:
        """How many there are."""
        return (self.text is not None) + len(self.binaries)

    @property
    def payload(self) -> bytes:
        """The polling form, made on its first use; several are joined by SEPARATOR."""
        if self._payload is None:
            pieces = [] if self.text is None else [self.text]
            pieces += [b"b" + binascii.b2a_base64(data, newline=False) for data in self.binaries]
            self._payload = SEPARATOR.join(pieces)
        return self._payload


CLOSE: Final = Outgoing(b"1")
PING: Final = Outgoing(b"2")
PROBE_ANSWER: Final = Outgoing(b"3probe")
NOOP: Final = Outgoing(b"6")
