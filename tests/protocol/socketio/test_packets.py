import msgspec
import pytest

from slysock_protocol.engineio import Outgoing
from slysock_protocol.socketio import (
    Ack,
    Connect,
    Decoder,
    Disconnect,
    Event,
    JsonParser,
    MsgpackParser,
    Packet,
    Parser,
    decode_array,
)

PARSERS: list[Parser] = [JsonParser(), MsgpackParser()]


def receive(decoder: Decoder, outgoing: Outgoing) -> Packet | None:
    packet: Packet | None = None
    if outgoing.text is not None:
        packet = decoder.feed_text(outgoing.text[1:])
    for data in outgoing.binaries:
        packet = decoder.feed_binary(data)
    return (
        msgspec.structs.replace(packet, body=decode_array(packet.body)) if isinstance(packet, Event | Ack) else packet
    )


@pytest.mark.parametrize("parser", PARSERS)
def test_both_parsers_do_all_that_the_seam_asks_for(parser: Parser) -> None:
    decoder = parser.decoder()
    assert receive(decoder, parser.event("/a", "x", (b"1", 2), 7)) == Event("/a", 7, ["x", b"1", 2])
    assert receive(decoder, parser.ack("/a", 7, (b"1",))) == Ack("/a", 7, [b"1"])
    assert receive(decoder, parser.connected("/a", "id")) == Connect("/a", {"sid": "id"})
    assert receive(decoder, parser.disconnected("/a")) == Disconnect("/a")
    assert parser.refused("/a", {"message": "no"}).frames


@pytest.mark.parametrize("packet", [Connect("/", {}), Disconnect("/"), Event("/", None, b""), Ack("/", 1, b"")])
def test_packets_are_values(packet: Packet) -> None:
    assert packet == type(packet)(**{name: getattr(packet, name) for name in packet.__struct_fields__})
    for field in packet.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(packet, field, None)
