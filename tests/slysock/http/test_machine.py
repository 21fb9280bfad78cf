"""The machine of HTTP: whatever it does by itself, it does as h11 does."""

from collections.abc import Callable
from typing import Any, TypeAlias

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock.http.machine import END, Event, Machine, is_usual
from slysock.http.request import _response
from slysock.http.usual import UsualHead

MAX_BYTES = 400
GET = b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

Seen: TypeAlias = tuple[object, ...]


def plain(event: Event) -> Seen:
    """An event as a value, whosever it is."""
    if isinstance(event, (UsualHead, h11.Request)):
        return "head", event.method, event.target, list(event.headers), event.http_version
    if isinstance(event, h11.Data):
        return "data", bytes(event.data)
    return (event if isinstance(event, type) else type(event),)


def outcome(call: Callable[[], object]) -> Seen:
    """What a call returns, or which error of h11's it raises."""
    try:
        return "returned", call()
    except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
        return ("raised", type(error))


class Both:
    """The machine and h11, which are told the same and must say the same."""

    def __init__(self) -> None:
        self.ours = Machine(MAX_BYTES)
        self.theirs = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_BYTES)

    def check(self) -> None:
        assert self.ours.our_state is self.theirs.our_state
        assert self.ours.their_state is self.theirs.their_state
        assert self.ours.trailing_data == self.theirs.trailing_data
        assert self.ours.they_are_waiting_for_100_continue == self.theirs.they_are_waiting_for_100_continue

    def receive(self, data: bytes) -> None:
        if not self.theirs.trailing_data[1]:
            assert outcome(lambda: self.ours.receive_data(data)) == outcome(lambda: self.theirs.receive_data(data))
            self.check()

    def next(self) -> Seen:
        found = outcome(lambda: plain(self.ours.next_event()))
        assert found == outcome(lambda: plain(self.theirs.next_event()))
        self.check()
        return found

    def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> Seen:
        response, encoded = _response(status, tuple(headers))
        sent = outcome(lambda: self.ours.send_head(response, encoded))
        assert sent == outcome(lambda: self.theirs.send(response))
        self.check()
        return sent

    def say(self, event: h11.Data | h11.EndOfMessage) -> Seen:
        sent = outcome(lambda: self.ours.send(event))
        assert sent == outcome(lambda: self.theirs.send(event))
        self.check()
        return sent

    def end(self) -> Seen:
        return self.say(END)

    def go_on(self) -> None:
        ours, theirs = outcome(self.ours.start_next_cycle), outcome(self.theirs.start_next_cycle)
        assert ours == theirs
        self.check()


def test_requests_one_after_the_other_need_no_h11() -> None:
    both = Both()
    for _ in range(3):
        both.receive(GET + POST)
        assert both.next()[1] == ("head", b"GET", b"/a?b", [(b"host", b"a")], b"1.1")
        assert both.next() == ("returned", (h11.EndOfMessage,))
        both.begin(200, [(b"content-length", b"2")])
        both.say(h11.Data(data=b"ok"))
        both.end()
        both.go_on()
        assert both.next()[1] != (h11.NEED_DATA,)
        assert both.next() == ("returned", ("data", b"hello"))
        assert both.next() == ("returned", (h11.EndOfMessage,))
        both.begin(204, [])
        both.end()
        both.go_on()
        assert both.ours._h11 is None


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 123456789012345678901\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xb2\r\n\r\nhello",
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HT",
    ],
)
def test_what_is_less_than_usual_is_h11s(head: bytes) -> None:
    both = Both()
    both.receive(head)
    both.next()
    assert both.ours._h11 is not None
    both.next()
    both.begin(200, [(b"content-length", b"0")])
    both.end()
    both.go_on()


def test_an_answer_of_unknown_length_is_h11s_and_the_next_request_is_not() -> None:
    both = Both()
    both.receive(POST + GET)
    for _ in range(3):
        both.next()
    both.begin(200, [])
    assert both.ours._h11 is not None
    assert both.say(h11.Data(data=b"a"))[0] == "returned"
    both.end()
    both.go_on()
    assert both.ours._h11 is None
    assert both.next()[1] == ("head", b"GET", b"/a?b", [(b"host", b"a")], b"1.1")


def test_line_ends_before_a_request_are_dropped() -> None:
    machine = Machine(MAX_BYTES)
    machine.receive_data(b"\r\n\n\r\n")
    assert machine.skip_empty_lines() == 0
    machine.receive_data(b"\r\n" + GET)
    assert machine.skip_empty_lines() == len(GET)
    assert isinstance(machine.next_event(), UsualHead)


@pytest.mark.parametrize(
    ("status", "headers", "usual"),
    [
        (200, [(b"content-length", b"3")], True),
        (204, [], True),
        (304, [], True),
        (304, [(b"content-length", b"3")], True),
        (200, [], False),
        (200, [(b"transfer-encoding", b"chunked")], False),
    ],
)
def test_an_answer_is_usual_if_its_length_is_known(
    status: int, headers: list[tuple[bytes, bytes]], usual: bool
) -> None:
    assert is_usual(h11.Response(status_code=status, headers=headers)) == usual


_REQUESTS = st.sampled_from(
    [
        *[GET, POST, b"PUT / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\nConnection: Keep-Alive\r\n\r\n"],
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        *[b"GET / HTTP/1.0\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"bad\r\n\r\n", b"x" * 500],
    ]
)
_HEADERS = st.lists(
    st.sampled_from(
        [
            *[(b"content-length", b"0"), (b"Content-Length", b"3"), (b"connection", b"close"), (b"X", b"y")],
            (b"transfer-encoding", b"chunked"),
        ]
    ),
    max_size=3,
    unique_by=lambda header: header[0].lower(),
)
_STEPS = st.one_of(
    st.tuples(st.just("feed"), st.integers(1, 80)),
    st.tuples(st.just("begin"), st.tuples(st.sampled_from([200, 204, 304, 404]), _HEADERS)),
    st.tuples(st.just("say"), st.tuples(st.sampled_from([h11.Data(data=data) for data in (b"", b"abc", b"abcd")]))),
    st.tuples(st.just("receive"), st.just((b"",))),
    st.tuples(st.sampled_from(["next", "end", "go_on"]), st.just(())),
)


def allowed(both: Both, step: str) -> bool:
    """Whether anybody would: one answers what has come, and does not ask for more than the whole of it."""
    if step in ("begin", "say", "end"):
        return both.ours.their_state is not h11.IDLE
    return step != "next" or both.ours.their_state not in (h11.DONE, h11.MUST_CLOSE)


@given(requests=st.lists(_REQUESTS, min_size=1, max_size=4), steps=st.lists(_STEPS, max_size=40), whole=st.booleans())
def test_any_conversation_is_h11s(requests: list[bytes], steps: list[tuple[str, Any]], whole: bool) -> None:
    both, wire = Both(), b"".join(requests)
    if whole:
        both.receive(wire)
        wire = b""
    for step, argument in steps:
        if both.ours.our_state is h11.ERROR:
            return  # nobody goes on with a connection after a mistake of ours
        if step == "feed":
            piece, wire = wire[:argument], wire[argument:]
            if piece:
                both.receive(piece)
        elif allowed(both, step):
            getattr(both, step)(*argument)


def test_an_answer_that_ends_too_early_is_refused() -> None:
    both = Both()
    both.receive(GET)
    both.next()
    both.next()
    both.begin(200, [(b"content-length", b"3")])
    both.say(h11.Data(data=b"ab"))
    assert both.end() == ("raised", h11.LocalProtocolError)
