from slysock_protocol import limits


def test_ack_ids_stay_exact_in_javascript() -> None:
    assert int(float(limits.MAX_ACK_ID)) == limits.MAX_ACK_ID
    assert float(limits.MAX_ACK_ID + 2) == float(limits.MAX_ACK_ID + 1)


def test_attachments_are_limited_as_in_the_javascript_parser() -> None:
    assert limits.MAX_ATTACHMENTS == 10


def test_reserved_events_are_those_of_the_javascript_parser() -> None:
    names = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
    assert names == limits.RESERVED_EVENTS
