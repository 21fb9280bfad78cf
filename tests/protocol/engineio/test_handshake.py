import pytest

from slysock_protocol.engineio import PROTOCOL_VERSION, HandshakeError, open_packet


def test_the_open_packet_has_exactly_the_keys_that_clients_expect() -> None:
    packet = open_packet(
        "abc",
        upgrades=["websocket"],
        ping_interval_seconds=0.3,
        ping_timeout_seconds=20,
        max_payload_bytes=1_000_000,
    )
    assert packet.payload == (
        b'0{"sid":"abc","upgrades":["websocket"],"pingInterval":300,"pingTimeout":20000,"maxPayload":1000000}'
    )


def test_durations_are_whole_milliseconds() -> None:
    packet = open_packet("a", upgrades=(), ping_interval_seconds=1.1, ping_timeout_seconds=0.0299, max_payload_bytes=1)
    assert packet.payload == b'0{"sid":"a","upgrades":[],"pingInterval":1100,"pingTimeout":30,"maxPayload":1}'


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (HandshakeError.UNKNOWN_TRANSPORT, b'{"code":0,"message":"Transport unknown"}'),
        (HandshakeError.UNKNOWN_SESSION, b'{"code":1,"message":"Session ID unknown"}'),
        (HandshakeError.BAD_METHOD, b'{"code":2,"message":"Bad handshake method"}'),
        (HandshakeError.BAD_REQUEST, b'{"code":3,"message":"Bad request"}'),
        (HandshakeError.FORBIDDEN, b'{"code":4,"message":"Forbidden"}'),
        (HandshakeError.UNSUPPORTED_VERSION, b'{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_refusals_have_the_bodies_of_nodes_server(error: HandshakeError, body: bytes) -> None:
    assert error.body == body


def test_the_protocol_version_is_the_query_parameter_of_clients() -> None:
    assert PROTOCOL_VERSION == "4"
