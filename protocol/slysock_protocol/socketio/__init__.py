"""Socket.IO v5: packets, the JSON parser with its attachments, the MessagePack parser."""

from typing import Final

from .bodies import decode_array, event_name
from .json_parser import JsonDecoder, JsonParser
from .msgpack_parser import MsgpackDecoder, MsgpackParser
from .packets import Ack, Body, Connect, Decoder, Disconnect, Event, Packed, Packet, Parser

PARSERS: Final[dict[str, type[JsonParser] | type[MsgpackParser]]] = {"json": JsonParser, "msgpack": MsgpackParser}
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
    "Packed",
    "Packet",
    "Parser",
    "decode_array",
    "event_name",
]
