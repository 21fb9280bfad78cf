"""The parser of the npm package socket.io-msgpack-parser 3: every packet is one MessagePack map in a binary message.

Shape: `{type, nsp, data, id}`, type 0 to 4 as in the JSON parser; no attachments, as MessagePack has binary data.
Source: socket.io-msgpack-parser 3.0.2, index.js; MessagePack extension types as notepack.io 2 and 3 write them.
"""

from typing import Final, final

import msgspec

from slysock_protocol import jsonio, packio
from slysock_protocol.engineio.packets import Outgoing
from slysock_protocol.errors import LocalProtocolError, RemoteProtocolError
from slysock_protocol.limits import MAX_ACK_ID, MAX_AUTH_BYTES, MAX_NAMESPACE_BYTES, MAX_PACKET_BYTES

from .json_parser import check_auth_size, check_event_name, too_large
from .packets import Ack, Connect, Disconnect, Event, Packed, Packet
from .places import placed

_ABSENT: Final = msgspec.Raw()
_encoder: Final = msgspec.msgpack.Encoder()


@final
class MsgpackParser:
    """The parser as a value; it has no state.

    Args:
        max_auth_bytes: what a client may present when it joins a namespace.
        max_packet_bytes: the largest event or ack that is sent.
    """

    __slots__ = ("_max_auth_bytes", "_max_packet_bytes")

    def __init__(self, max_auth_bytes: int = MAX_AUTH_BYTES, max_packet_bytes: int = MAX_PACKET_BYTES) -> None:
        self._max_auth_bytes = max_auth_bytes
        self._max_packet_bytes = max_packet_bytes

    def decoder(self) -> "MsgpackDecoder":
        """Make the decoder of one connection."""
        return MsgpackDecoder(self._max_auth_bytes)

    def connected(self, namespace: str, socket_id: str) -> Outgoing:
        """Encode the answer to a CONNECT."""
        return _packet({"type": 0, "nsp": namespace, "data": {"sid": socket_id}})

    def refused(self, namespace: str, error: object) -> Outgoing:
        """Encode CONNECT_ERROR."""
        plain = jsonio.to_plain(error)
        if not isinstance(plain, dict | str):
            raise LocalProtocolError("the error of a refusal must be an object or a string")
        return _packet({"type": 4, "nsp": namespace, "data": plain})

    def disconnected(self, namespace: str) -> Outgoing:
        """Encode DISCONNECT."""
        return _packet({"type": 1, "nsp": namespace})

    def event(self, namespace: str, name: str, args: tuple[object, ...], ack_id: int | None = None) -> Outgoing:
        """Encode an event; binary data needs no attachments here, so their limit does not apply."""
        check_event_name(name)
        packet: dict[str, object] = {"type": 2, "nsp": namespace, "data": [name, *args]}
        if ack_id is not None:
            packet["id"] = ack_id
        try:
            return self._bounded(packet)
        except LocalProtocolError as error:
            raise placed(error, args, _encode) from error

    def ack(self, namespace: str, ack_id: int, values: tuple[object, ...]) -> Outgoing:
        """Encode an acknowledgement."""
        try:
            return self._bounded({"type": 3, "nsp": namespace, "data": values, "id": ack_id})
        except LocalProtocolError as error:
            raise placed(error, values, _encode) from error

    def _bounded(self, packet: dict[str, object]) -> Outgoing:
        data = _encode(packet)
        if len(data) > self._max_packet_bytes:
            raise too_large(len(data), self._max_packet_bytes)
        return Outgoing(None, (data,))


def _packet(packet: dict[str, object]) -> Outgoing:
    return Outgoing(None, (_encode(packet),))


def _encode(value: object) -> bytes:
    """Encode a value; made plain first, so that clients get the dates and keys that JSON would give them.

    Raises:
        LocalProtocolError: it cannot be sent.
    """
    plain = jsonio.to_plain(value)
    try:
        return _encoder.encode(plain)
    except (ValueError, OverflowError, RecursionError, BufferError) as error:
        raise LocalProtocolError(f"cannot be sent as MessagePack: {error}") from error


class _Wire(msgspec.Struct):
    """What is on the wire, its fields checked; data is only skipped, and decoded where it is needed."""

    type: int
    nsp: str
    data: msgspec.Raw = _ABSENT
    id: int | None = None


_decoder: Final = msgspec.msgpack.Decoder(_Wire)


@final
class MsgpackDecoder:
    """The decoder of one connection; a packet is always one message, so nothing waits in it."""

    __slots__ = ("_max_auth_bytes",)

    def __init__(self, max_auth_bytes: int = MAX_AUTH_BYTES) -> None:
        self._max_auth_bytes = max_auth_bytes

    @property
    def waiting_in(self) -> str | None:
        """None: nothing ever waits."""
        return None

    def feed_text(self, text: bytes) -> Packet | None:  # noqa: ARG002 - the other parser has a use for it
        """Refuse: this parser has no text packets."""
        raise RemoteProtocolError("text where MessagePack was agreed on")

    def feed_binary(self, data: bytes) -> Packet | None:
        """Decode one packet."""
        try:
            wire = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RemoteProtocolError("malformed MessagePack packet") from None
        if not wire.nsp.startswith("/") or len(wire.nsp.encode()) > MAX_NAMESPACE_BYTES:
            raise RemoteProtocolError("illegal namespace name")
        if wire.id is not None and not 0 <= wire.id <= MAX_ACK_ID:
            raise RemoteProtocolError("acknowledgement id out of range")
        return self._packet_of(wire, bytes(memoryview(wire.data)))

    def _packet_of(self, wire: _Wire, data: bytes) -> Packet:
        match wire.type:
            case 2 if packio.is_array(data):
                return Event(wire.nsp, wire.id, Packed(data))
            case 3 if packio.is_array(data) and wire.id is not None:
                return Ack(wire.nsp, wire.id, Packed(data))
            case 0:
                return Connect(wire.nsp, self._auth(data))
            case 1 if not data or packio.decode(data) is None:
                return Disconnect(wire.nsp)
            case _:
                raise RemoteProtocolError("malformed packet")

    def _auth(self, data: bytes) -> dict[str, object]:
        check_auth_size(len(data), self._max_auth_bytes)
        auth = packio.decode(data) if data else None
        if auth is None:
            return {}
        if not jsonio.is_object(auth):
            raise RemoteProtocolError("malformed packet")
        return auth
