"""The parser of the npm package socket.io-msgpack-parser 3: every packet is one MessagePack map in a binary message.

Shape: `{type, nsp, data, id}`, type 0 to 4 as in the JSON parser; no attachments, as MessagePack has binary data.
Source: socket.io-msgpack-parser 3.0.2, index.js; MessagePack extension types as notepack.io 2 and 3 write them.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard, final

import msgspec

from slysock_protocol import jsonio
from slysock_protocol.engineio.packets import Outgoing
from slysock_protocol.errors import LocalProtocolError, RemoteProtocolError
from slysock_protocol.limits import MAX_ACK_ID, MAX_NAMESPACE_BYTES

from .json_parser import check_event_name
from .packets import Ack, Connect, Disconnect, Event, Packet
from .places import placed

_UNDEFINED_OR_DATE: Final = 0  # notepack's one extension type: one byte is undefined, eight are a date in ms
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_MS: Final = 146_097 * 86_400_000  # 400 years
_TIMESTAMP: Final = re.compile(rb"[\xd6\xd7\x04\x08\x0c]\xff")
"""Is in every timestamp: a length of 4, 8 or 12, and the type -1 (MessagePack, "Timestamp extension type"). The bytes
may stand for something else, too."""

_MAX_DATE_MS: Final = 8_640_000_000_000_000  # ECMAScript, "Time Values and Time Range"

_encoder: Final = msgspec.msgpack.Encoder()


@final
class MsgpackParser:
    """The parser as a value; it has no state."""

    def decoder(self) -> "MsgpackDecoder":
        """Make the decoder of one connection."""
        return MsgpackDecoder()

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
            return _packet(packet)
        except LocalProtocolError as error:
            raise placed(error, args, _encode) from error

    def ack(self, namespace: str, ack_id: int, values: tuple[object, ...]) -> Outgoing:
        """Encode an acknowledgement."""
        try:
            return _packet({"type": 3, "nsp": namespace, "data": values, "id": ack_id})
        except LocalProtocolError as error:
            raise placed(error, values, _encode) from error


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
    """What is on the wire, its fields checked; data is checked by type of packet."""

    type: int
    nsp: str
    data: object = None
    id: int | None = None


def _extension(code: int, data: memoryview) -> object:
    """Decode what notepack writes: undefined, dates, and on Node typed arrays other than Buffer.

    All three are extension 0; a typed array of one byte or of eight cannot be told from the others.
    """
    if code != _UNDEFINED_OR_DATE:
        raise RemoteProtocolError("unknown MessagePack extension")
    if len(data) == 1:
        return None
    if len(data) == 8:
        return _date(int.from_bytes(data, "big", signed=True))
    return bytes(data)


def _date(milliseconds: int) -> str:
    """Write a date as JavaScript's toISOString does, the text in which JSON clients send dates.

    Python's calendar ends with the year 9999, JavaScript's goes on: the date is shifted by cycles of 400 years, after
    which the calendar repeats.
    """
    if abs(milliseconds) > _MAX_DATE_MS:
        raise RemoteProtocolError("a date out of range")
    cycles, rest = divmod(milliseconds, _CYCLE_MS)
    moment = _EPOCH + timedelta(milliseconds=rest)
    year = moment.year + 400 * cycles
    text = f"{year:04}" if 0 <= year <= 9999 else f"{year:+07}"
    return f"{text}-{moment:%m-%dT%H:%M:%S}.{rest % 1000:03}Z"


def _without_timestamps(value: object) -> object:
    """Replace MessagePack's own dates, which the library has decoded to `datetime`, with the text of JSON clients.

    Clients other than Node's send those. Containers are changed in place, keys are not.
    """
    if isinstance(value, datetime):
        whole = not value.microsecond % 1000
        return value.isoformat(timespec="milliseconds" if whole else "microseconds").replace("+00:00", "Z")
    if jsonio.is_array(value):
        value[:] = map(_without_timestamps, value)
    elif jsonio.is_object(value):
        for key, item in value.items():
            value[key] = _without_timestamps(item)
    return value


_decoder: Final = msgspec.msgpack.Decoder(_Wire, ext_hook=_extension)


@final
class MsgpackDecoder:
    """The decoder of one connection; a packet is always one message, so it holds nothing."""

    __slots__ = ()

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
            if _TIMESTAMP.search(data):
                wire.data = _without_timestamps(wire.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, ValueError):
            raise RemoteProtocolError("malformed MessagePack packet") from None
        if not wire.nsp.startswith("/") or len(wire.nsp.encode()) > MAX_NAMESPACE_BYTES:
            raise RemoteProtocolError("illegal namespace name")
        if wire.id is not None and not 0 <= wire.id <= MAX_ACK_ID:
            raise RemoteProtocolError("acknowledgement id out of range")
        return _packet_of(wire)


def _packet_of(wire: _Wire) -> Packet:
    data = wire.data
    match wire.type:
        case 2 if jsonio.is_array(data):
            return Event(wire.nsp, wire.id, data)
        case 3 if jsonio.is_array(data) and wire.id is not None:
            return Ack(wire.nsp, wire.id, data)
        case 0 if data is None:
            return Connect(wire.nsp, {})
        case 0 if _has_text_keys(data):
            return Connect(wire.nsp, data)
        case 1 if data is None:
            return Disconnect(wire.nsp)
        case _:
            raise RemoteProtocolError("malformed packet")


def _has_text_keys(value: object) -> TypeGuard[dict[str, object]]:
    return jsonio.is_object(value) and all(type(key) is str for key in value)
