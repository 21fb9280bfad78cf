"""The server's side of HTTP/1.1, without I/O: the usual request and the usual answer at once, all else by h11.

What h11 takes for a poll, or for any small request, is more than all the rest of answering it. So a usual head (see
`usual`), a body of known length and an answer of known length are dealt with here. h11 is asked about anything else:
about a whole request from its first byte on, or about an answer to one that was taken here.

States, events and errors are h11's own, so that it makes no difference to anybody whose they are.
"""

from typing import Final, TypeAlias, final

import h11

from slysock.http.usual import UsualHead, read_usual

Event: TypeAlias = UsualHead | h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]

BODILESS: Final = (204, 304)
END: Final = h11.EndOfMessage()

_EMPTY: Final = b""
_LENGTH: Final = b"content-length"


def is_usual(response: h11.Response) -> bool:
    """Tell whether it is known how long the body of an answer is."""
    names = [name for name, _ in response.headers]
    return b"transfer-encoding" not in names and (
        names.count(_LENGTH) == 1 or (_LENGTH not in names and response.status_code in BODILESS)
    )


@final
class Machine:
    """One connection; see h11.Connection, which has the same methods.

    Args:
        max_head_bytes: most of a request line with its headers, where they come in pieces.

    Attributes:
        our_state: where the answer is; a state of h11's.
        their_state: where the request is.
    """

    __slots__ = ("_ahead", "_closes", "_eof", "_h11", "_max_head_bytes", "_our", "_their", "_unread", "_unsaid")

    def __init__(self, max_head_bytes: int) -> None:
        self._max_head_bytes = max_head_bytes
        self._h11: h11.Connection | None = None  # while the request, or its answer, is its
        self._ahead = _EMPTY  # what has come and is not used yet, while it is not
        self._eof = False
        self._our: type[object] = h11.IDLE
        self._their: type[object] = h11.IDLE
        self._unread = 0  # of the request's body
        self._unsaid = 0  # of the answer's
        self._closes = False  # the connection, with this answer

    @property
    def our_state(self) -> type[object]:
        """See the class."""
        return self._our if self._h11 is None else self._h11.our_state

    @property
    def their_state(self) -> type[object]:
        """See the class."""
        if self._h11 is not None:
            return self._h11.their_state
        return h11.MUST_CLOSE if self._closes and self._their is h11.DONE else self._their

    @property
    def trailing_data(self) -> tuple[bytes, bool]:
        """What has come and is not used yet, and whether that is all that will."""
        return (self._ahead, self._eof) if self._h11 is None else self._h11.trailing_data

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Whether the client sends its body only when it has been told to."""
        return self._h11 is not None and self._h11.they_are_waiting_for_100_continue

    # -- what comes ------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take what was read; b"" at the end."""
        if not data:
            self._eof = True
        if self._h11 is not None:
            self._h11.receive_data(data)
        elif data:
            self._ahead = self._ahead + data if self._ahead else data

    def skip_empty_lines(self) -> int:
        """Drop line ends that stand where a request line may begin; h11 would take them for an empty one.

        RFC 9112, section 2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least
        one empty line (CRLF) received prior to the request-line", for the sake of clients that end a body with one.

        Returns:
            How many bytes are there then.
        """
        if self._h11 is None and self._their is h11.IDLE:
            self._ahead = self._ahead.lstrip(b"\r\n")
        return len(self.trailing_data[0])

    def next_event(self) -> Event:
        """Return what comes next of the request, which is not over.

        Raises:
            h11.RemoteProtocolError: it is not HTTP.
        """
        if self._h11 is not None:
            return self._h11.next_event()
        if self._their is h11.IDLE:
            head = read_usual(self._ahead, self._max_head_bytes)
            length = None if head is None else _length_of(head)
            if head is None or length is None:
                return self._ask_h11().next_event()
            self._ahead = self._ahead[head.size :]
            self._our, self._their, self._unread = h11.SEND_RESPONSE, h11.SEND_BODY, length
            return head
        if not self._unread:
            self._their = h11.DONE
            return END
        if self._eof and not self._ahead:
            self._their = h11.ERROR
            raise h11.RemoteProtocolError("the peer closed the connection in the middle of a body")
        if not self._ahead:
            return h11.NEED_DATA
        data, self._ahead = self._ahead[: self._unread], self._ahead[self._unread :]
        self._unread -= len(data)
        return h11.Data(data=data)

    # -- what is said ----------------------------------------------------------------------------------------------

    def send_head(self, response: h11.Response, encoded: bytes) -> bytes:
        """Say how the answer begins.

        Args:
            response: it.
            encoded: the same as it is written, if `is_usual`; else b"".

        Raises:
            h11.LocalProtocolError: not now, or not so.
        """
        if self._h11 is None and self._our not in (h11.IDLE, h11.SEND_RESPONSE):
            raise self._no("an answer has been given")
        if self._h11 is not None or not encoded or self._our is h11.IDLE:
            return self._ask_h11().send(response) or _EMPTY
        headers = dict(response.headers)
        self._our, self._unsaid = h11.SEND_BODY, int(headers.get(_LENGTH, b"0"))
        self._closes = b"close" in headers.get(b"connection", b"").lower()
        if response.status_code in BODILESS:
            self._unsaid = 0
        return encoded

    def send(self, event: h11.Data | h11.EndOfMessage | h11.InformationalResponse) -> bytes:
        """Say what comes next of the answer. Raises like `send_head`."""
        if self._h11 is not None:
            return self._h11.send(event) or _EMPTY
        if self._our is not h11.SEND_BODY:
            raise self._no("no answer has been begun, or it has been given")
        if isinstance(event, h11.Data) and len(event.data) <= self._unsaid:
            self._unsaid -= len(event.data)
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage) and not self._unsaid:
            self._our = h11.MUST_CLOSE if self._closes else h11.DONE
            return _EMPTY
        raise self._no("not as long as the Content-Length says")

    def _no(self, reason: str) -> h11.LocalProtocolError:
        self._our, self._closes = h11.ERROR, True
        return h11.LocalProtocolError(reason)

    def start_next_cycle(self) -> None:
        """Be ready for the next request.

        Raises:
            h11.LocalProtocolError: this one is not over.
        """
        if self._h11 is not None:
            self._h11.start_next_cycle()
            self._ahead, self._eof = self._h11.trailing_data
            self._h11 = None
        elif (self._our, self._their) != (h11.DONE, h11.DONE):
            raise h11.LocalProtocolError("not in a reusable state")
        self._our = self._their = h11.IDLE

    # -- what is less than usual -------------------------------------------------------------------------------------

    def _ask_h11(self) -> h11.Connection:
        """Let h11 go on from here: it is told of as much of the request as it needs to know."""
        if self._h11 is not None:
            return self._h11
        machine = self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._max_head_bytes)
        if self._their is not h11.IDLE:
            machine.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % self._unread)
            machine.next_event()
        if self._their is h11.DONE:
            machine.next_event()
        if self._ahead:
            machine.receive_data(self._ahead)
            self._ahead = _EMPTY
        if self._eof:
            machine.receive_data(_EMPTY)
        return machine


def _length_of(head: UsualHead) -> int | None:
    """Return how long the body of a request is; None where h11 has more to say of it."""
    if head.method in (b"HEAD", b"CONNECT") or b"upgrade" in head.fields:
        return None
    if head.fields.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    length = head.fields.get(_LENGTH, b"0")
    return int(length) if length.isdigit() and len(length) < 20 else None
