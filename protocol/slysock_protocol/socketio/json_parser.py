"""The default parser of socket.io: text packets, JSON, attachments in binary messages that follow.

Shape of a packet: `type [attachments -] [namespace ,] [ack id] [JSON]`, for example `2["hello"]`,
`51-/admin,456["project:delete",{"_placeholder":true,"num":0}]`.
"""

import re
from typing import Final, final

import msgspec

from slysock_protocol import jsonio
from slysock_protocol.engineio.packets import Outgoing
from slysock_protocol.errors import CloseCode, LocalProtocolError, RemoteProtocolError
from slysock_protocol.limits import (
    MAX_ACK_ID,
    MAX_ATTACHMENTS,
    MAX_AUTH_BYTES,
    MAX_NAMESPACE_BYTES,
    MAX_PACKET_BYTES,
    RESERVED_EVENTS,
)

from .bodies import decode_array
from .packets import Ack, Connect, Disconnect, Event, Packet
from .places import placed

_HEADER: Final = re.compile(rb"([0-6])(?:(?<=[56])([0-9]{1,10})-)?(?:(/[^,]*),?)?([0-9]*)")
# What nearly all traffic consists of: an event whose name can be read off, without escapes in it or blanks before it.
# Ids of 15 digits are all in range.
_PLAIN_EVENT: Final = re.compile(rb'2(?:(/[^,]*),)?([0-9]{0,15})(?=\["([^"\\]*)")')
_MAX_ID_DIGITS: Final = len(str(MAX_ACK_ID))


@final
class JsonParser:
    """The parser as a value; it has no state: that of a connection is in its decoder.

    Args:
        max_auth_bytes: what a client may present when it joins a namespace.
        max_packet_bytes: the largest event or ack that is sent, attachments included.
    """

    __slots__ = ("_max_auth_bytes", "_max_packet_bytes")

    def __init__(self, max_auth_bytes: int = MAX_AUTH_BYTES, max_packet_bytes: int = MAX_PACKET_BYTES) -> None:
        self._max_auth_bytes = max_auth_bytes
        self._max_packet_bytes = max_packet_bytes

    def decoder(self) -> "JsonDecoder":
        """Make the decoder of one connection."""
        return JsonDecoder(self._max_auth_bytes)

    def connected(self, namespace: str, socket_id: str) -> Outgoing:
        """Encode `0{"sid":…}`, the answer to a CONNECT."""
        return Outgoing(_text(b"40", namespace, None, msgspec.json.encode({"sid": socket_id})))

    def refused(self, namespace: str, error: object) -> Outgoing:
        """Encode `4{…}`, in which clients find the message and data of the refusal."""
        body, attachments = jsonio.encode(error)
        if attachments or body[:1] not in (b"{", b'"'):
            raise LocalProtocolError("the error of a refusal must be an object or a string, without binary data")
        return Outgoing(_text(b"44", namespace, None, body))

    def disconnected(self, namespace: str) -> Outgoing:
        """Encode `1`."""
        return Outgoing(_text(b"41", namespace, None, b""))

    def event(self, namespace: str, name: str, args: tuple[object, ...], ack_id: int | None = None) -> Outgoing:
        """Encode `2[name, *args]`, or `5…` and its attachments."""
        check_event_name(name)
        try:
            return self._packet(b"42", b"45", namespace, ack_id, [name, *args])
        except LocalProtocolError as error:
            raise placed(error, args, jsonio.encode) from error

    def ack(self, namespace: str, ack_id: int, values: tuple[object, ...]) -> Outgoing:
        """Encode `3id[*values]`, or `6…` and its attachments."""
        try:
            return self._packet(b"43", b"46", namespace, ack_id, values)
        except LocalProtocolError as error:
            raise placed(error, values, jsonio.encode) from error

    def _packet(self, kind: bytes, binary_kind: bytes, namespace: str, ack_id: int | None, value: object) -> Outgoing:
        body, attachments = jsonio.encode(value)
        if not attachments:
            if len(body) > self._max_packet_bytes:
                raise too_large(len(body), self._max_packet_bytes)
            return Outgoing(_text(kind, namespace, ack_id, body))
        check_attachments(attachments)
        size = len(body) + sum(map(len, attachments))
        if size > self._max_packet_bytes:
            raise too_large(size, self._max_packet_bytes)
        text = _text(b"%b%d-" % (binary_kind, len(attachments)), namespace, ack_id, body)
        return Outgoing(text, tuple(attachments))


def check_event_name(name: str) -> None:
    """Refuse a name that clients reserve for events of their own.

    Raises:
        LocalProtocolError: the name is reserved.
    """
    if name in RESERVED_EVENTS:
        raise LocalProtocolError(f"{name!r} is a reserved event name")


def check_attachments(attachments: list[bytes]) -> None:
    """Refuse more than clients accept.

    Raises:
        LocalProtocolError: too many.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise LocalProtocolError(
            f"{len(attachments)} binary attachments in one packet; clients drop the connection above {MAX_ATTACHMENTS}"
        )


def too_large(size: int, most: int) -> LocalProtocolError:
    """Say that a packet is larger than may wait for a client."""
    return LocalProtocolError(f"cannot be sent: {size} bytes, where {most} may wait for a client at all")


def _text(head: bytes, namespace: str, ack_id: int | None, body: bytes) -> bytes:
    """Put a packet together; the head begins with the `4` of an Engine.IO message."""
    if namespace != "/":
        head = b"%b%b," % (head, namespace.encode())
    return head + body if ack_id is None else b"%b%d%b" % (head, ack_id, body)


@final
class JsonDecoder:
    """The state of one connection: at most one packet that waits for attachments."""

    __slots__ = ("_attachments", "_expected", "_max_auth_bytes", "_packet")

    def __init__(self, max_auth_bytes: int = MAX_AUTH_BYTES) -> None:
        self._max_auth_bytes = max_auth_bytes
        self._packet: Event | Ack | None = None
        self._expected = 0
        self._attachments: list[bytes] = []

    @property
    def waiting_in(self) -> str | None:
        """The namespace of the packet that waits for attachments, if one does."""
        return None if self._packet is None else self._packet.namespace

    def feed_text(self, text: bytes) -> Packet | None:
        """Take a text message, without the Engine.IO type in front."""
        if self._packet is not None:
            raise RemoteProtocolError("text where an attachment was announced")
        found = _PLAIN_EVENT.match(text)
        if found is None:
            return self._decode(text)
        name, digits, event = found.groups()
        namespace = "/" if name is None else _namespace(name)
        return Event(namespace, int(digits) if digits else None, text[found.end() :], event)

    def _decode(self, text: bytes) -> Packet | None:
        """Decode any packet."""
        found = _HEADER.match(text)
        if found is None:
            raise RemoteProtocolError("unknown packet type")
        kind, count, name, number = found.groups()
        namespace, ack_id, rest = _namespace(name), _ack_id(number), text[found.end() :]
        match kind:
            case b"2":
                return Event(namespace, ack_id, rest)
            case b"3" if ack_id is not None:
                return Ack(namespace, ack_id, rest)
            case b"0" if ack_id is None:
                return Connect(namespace, _auth(rest, self._max_auth_bytes))
            case b"1" if ack_id is None and not rest:
                return Disconnect(namespace)
            case b"5":
                return self._begin(Event(namespace, ack_id, rest), count)
            case b"6" if ack_id is not None:
                return self._begin(Ack(namespace, ack_id, rest), count)
            case _:
                raise RemoteProtocolError("malformed packet")

    def _begin(self, packet: Event | Ack, count: bytes | None) -> Packet | None:
        """Start waiting for attachments; the count is checked before anything is kept."""
        if count is None:
            raise RemoteProtocolError("illegal attachments")
        self._expected = int(count)
        if self._expected > MAX_ATTACHMENTS:
            raise RemoteProtocolError("too many attachments")
        if self._expected == 0:
            return packet
        self._packet = packet
        return None

    def feed_binary(self, data: bytes) -> Packet | None:
        """Take an attachment."""
        packet = self._packet
        if packet is None:
            raise RemoteProtocolError("binary data that was not announced")
        self._attachments.append(data)
        if len(self._attachments) < self._expected:
            return None
        attachments, self._attachments, self._packet = self._attachments, [], None
        body = jsonio.fill(decode_array(packet.body), attachments)
        return msgspec.structs.replace(packet, body=body)


def _namespace(name: bytes | None) -> str:
    if name is None:
        return "/"
    if len(name) > MAX_NAMESPACE_BYTES:
        raise RemoteProtocolError("namespace name too long")
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("text that is not UTF-8") from None


def _ack_id(digits: bytes) -> int | None:
    if not digits:
        return None
    if len(digits) > _MAX_ID_DIGITS or int(digits) > MAX_ACK_ID:
        raise RemoteProtocolError("acknowledgement id too large")
    return int(digits)


def _auth(text: bytes, max_bytes: int) -> dict[str, object]:
    if not text:
        return {}
    check_auth_size(len(text), max_bytes)
    auth = jsonio.decode(text)
    if not jsonio.is_object(auth):
        raise RemoteProtocolError("auth must be an object")
    return auth


def check_auth_size(size: int, most: int) -> None:
    """Refuse what would be kept as long as its client is there.

    Raises:
        RemoteProtocolError: it is too large.
    """
    if size > most:
        raise RemoteProtocolError("auth too large", CloseCode.POLICY)
