"""Socket.IO v5: packets, the JSON parser with its attachments, the MessagePack parser."""

from typing import Final

from .json_parser import JsonDecoder, JsonParser, decode_array, event_name
from .msgpack_parser import MsgpackDecoder, MsgpackParser
from .packets import Ack, Body, Connect, Decoder, Disconnect, Event, Packet, Parser

PARSERS: Final[dict[str, Parser]] = {"json": JsonParser(), "msgpack": MsgpackParser()}
"""Both, by the names that a server's settings have for them."""

__all__ = [
    "PARSERS",
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
