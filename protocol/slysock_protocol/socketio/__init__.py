"""Socket.IO v5: packets, the JSON parser with its attachments, the MessagePack parser."""

from .json_parser import JsonDecoder, JsonParser, decode_array, event_name
from .msgpack_parser import MsgpackDecoder, MsgpackParser
from .packets import Ack, Body, Connect, Decoder, Disconnect, Event, Packet, Parser

__all__ = [
    "Ack",
    "Body",
    "Connect",
    "Decoder",
    "Disconnect",
    "Event",
    "JsonDecoder",
    "JsonParser",
    "MsgpackDecoder",
    "MsgpackParser",
    "Packet",
    "Parser",
    "decode_array",
    "event_name",
]
