"""What handlers raise and catch.

ConnectionRefused    raised by middleware: the client may not join the namespace
AckTimeout           raised by `call`: an answer did not come in time
└── Disconnected     raised by `call`, `drained`, `received`: what is awaited cannot come, the client has left
InvalidPayload       given to an error hook: an event's arguments do not fit its handler
Refusal              raised by handlers: an expected no; base of an application's own
└── RateLimited      given to an error hook, and raised by `set_user`: that was too much for now
RefusalRecord        no exception: what observers are told of anything that was refused
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final, cast, final

import msgspec

logger = logging.getLogger("slysock")

_CAUSES: Final = 10  # of one error, that are named; it may be its own


@final
class ConnectionRefused(Exception):
    """Refuse a client that asks to join a namespace; it gets a `connect_error` with this message and data.

    Attributes:
        message: what `error.message` is on the client.
        data: what `error.data` is on the client; None leaves it out.
    """

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class AckTimeout(Exception):
    """No acknowledgement came in time.

    Attributes:
        answers: what did come, when many clients were asked; otherwise empty.
    """

    def __init__(self, message: str, answers: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.answers = list(answers)


@final
class Disconnected(AckTimeout):
    """The client has left; there is nothing to wait for."""


@final
class InvalidPayload(Exception):
    """What a client sent does not fit the parameters of the handler, which was not called.

    The text names the place and what was expected, and may quote that client's own value: it may be shown to the
    client.

    Attributes:
        place: which argument, and which field of it; nothing of the client's is in it, so that it may be logged.
    """

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.place = place


@final
class RefusalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """That a client was refused something, and why: what observers and the log at level DEBUG are told.

    Nothing of it is a token, a cookie, an id of a session or the value of a query: all of it may be kept.
    """

    reason: str
    """Why, in a word. Of connections and requests: `capacity`, `unjoined`, `address`, `host`, `path`, `origin`,
    `request`, `method`, `transport`, `EIO`, `sid`, `hook`, `handshake rate`. Of clients: `namespace`, `middleware`,
    `connect hook`, `protocol`, `login rate`, `join rate`. Of events: `unknown event`, `payload`, `event rate`,
    `byte rate`. And what applications report, such as `token`, which counts as a refused login."""

    detail: str
    """Why, in more words."""

    address: str = ""
    """The client's address, as in its handshake."""

    namespace: str | None = None
    """The namespace that it was in, or wanted to be in, without a query behind the name."""

    socket: str | None = None
    """The id of its socket, where it has one."""


def names_of_causes(error: BaseException | None) -> Iterator[str]:
    """Name the type of an error, and those of what it was raised from."""
    for _ in range(_CAUSES):
        if error is None:
            return
        yield type(error).__name__
        error = error.__cause__


def log_refusal(record: RefusalRecord) -> None:
    """Write a line at level DEBUG; its fields are in `fields`, as those of the access log are."""
    if logger.isEnabledFor(logging.DEBUG):
        fields = {"address": record.address, "namespace": record.namespace, "socket": record.socket}
        extra = {"fields": {name: value for name, value in fields.items() if value}}
        logger.debug("refused, %s: %s", record.reason, record.detail, extra=extra)


class Refusal(Exception):
    """A handler's expected no: the event was understood and is refused. Subclass it as you like.

    It goes to the router's error hook like any exception, but is not logged as a failure. Without a hook its text is
    what the client gets.
    """


@final
class RateLimited(Refusal):
    """A client or its user has done more than is allowed; this was not done. See `Config.client_events_per_second`.

    Attributes:
        what: of what it was too much: `events`, `bytes` or `joins`.
        retry_after_seconds: when the same would be allowed.
    """

    def __init__(self, what: str, retry_after_seconds: float) -> None:
        super().__init__(f"Too many {what}, try again later")
        self.what = what
        self.retry_after_seconds = retry_after_seconds


def out_of_group(error: Exception) -> Exception:
    """Take an expected no out of the group that it was raised in, as nurseries do with all that their tasks raise.

    Returns:
        The first ConnectionRefused, Refusal or InvalidPayload of a group that holds nothing else; any other error, and
        any other group, as it is.
    """
    if not isinstance(error, ExceptionGroup):
        return error
    group = cast("ExceptionGroup[Exception]", error)
    _, others = group.split((ConnectionRefused, Refusal, InvalidPayload))
    return group if others is not None else out_of_group(group.exceptions[0])
