"""What is in an event or an ack, however it came."""

from slysock_protocol import jsonio, packio
from slysock_protocol.errors import RemoteProtocolError
from slysock_protocol.limits import RESERVED_EVENTS

from .packets import Body, Packed


def decode_array(body: Body) -> list[object]:
    """Decode the body of an event or an ack without a type.

    Raises:
        RemoteProtocolError: it is no array, or not what its format allows.
    """
    match body:
        case bytes():
            value = jsonio.decode(body)
        case Packed(data):
            value = packio.decode(data)
        case _:
            value = body
    if not jsonio.is_array(value):
        raise RemoteProtocolError("an event must be an array")
    return value


def event_name(items: list[object]) -> str:
    """Return the name of a decoded event.

    Raises:
        RemoteProtocolError: there is none, or it is reserved.
    """
    name = items[0] if items else None
    if type(name) is int:  # socket.io lets numbers name events; as a key both sides see the same text
        name = str(name)
    if not isinstance(name, str) or name in RESERVED_EVENTS:
        raise RemoteProtocolError("illegal event name")
    return name
