"""Bodies of requests, read as events are: what a client may send one way, it may send the other way."""

from slysock.errors import InvalidPayload
from slysock_protocol import jsonio
from slysock_protocol.errors import RemoteProtocolError


def decode_json(body: bytes) -> object:
    """Decode a JSON body. Half an emoji, which JavaScript's `substring` leaves, becomes U+FFFD.

    Raises:
        InvalidPayload: it is not JSON.
    """
    try:
        return jsonio.decode(body)
    except RemoteProtocolError as error:
        raise InvalidPayload(error.reason) from error
