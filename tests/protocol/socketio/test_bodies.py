"""What is in an event, whichever way it came."""

import msgspec
import pytest

from slysock_protocol import RemoteProtocolError
from slysock_protocol.socketio import Body, Packed, decode_array, event_name


@pytest.mark.parametrize("body", [b'["e",1]', Packed(msgspec.msgpack.encode(["e", 1])), ["e", 1]])
def test_a_body_is_decoded_from_whatever_it_is(body: Body) -> None:
    assert decode_array(body) == ["e", 1]


@pytest.mark.parametrize("body", [b"{}", Packed(msgspec.msgpack.encode({})), b"1"])
def test_what_is_no_array_is_the_peers_mistake(body: Body) -> None:
    with pytest.raises(RemoteProtocolError, match="must be an array"):
        decode_array(body)


def test_an_event_has_a_name() -> None:
    assert (event_name(["e", 1]), event_name([7])) == ("e", "7")
    for items in ([], [None], [True], [1.5], ["connect"]):
        with pytest.raises(RemoteProtocolError, match="illegal event name"):
            event_name(items)
