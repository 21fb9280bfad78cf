"""What can go wrong with one request, by whose doing it is."""

from typing import final


@final
class BodyTooLarge(Exception):
    """The peer sends, or announces, a longer body than the reader wants. Answer 413; the rest is not read.

    Attributes:
        limit_bytes: what would have been taken.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the request body is larger than {self.limit_bytes} bytes"


@final
class RequestBroken(Exception):
    """The peer left, stalled, or sent what is no HTTP. The connection serves no further request.

    Attributes:
        status: what to answer where the peer may still listen (400 nonsense, 408 stalled); None when it has left.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason, status)
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        return self.reason


@final
class InvalidResponse(Exception):
    """We, or our user, tried to answer with what is no HTTP: a line break in a header, two answers, a short body.

    A bug on this side; nothing of the offending piece was sent.
    """
