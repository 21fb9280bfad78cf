"""The connection that members stand on, as they see it."""

from typing import Protocol

from slysock.engineio.session import Session
from slysock.handlers.tasks import Tasks
from slysock.socketio.allowance import Allowance


class Host(Protocol):
    """The connection that members stand on; several namespaces may share it."""

    @property
    def session(self) -> Session:
        """What packets go out by."""
        ...

    def joined(self) -> None:
        """Note that a member has been let in."""

    def login_refused(self) -> None:
        """Note that a client was not let in which claimed to be somebody, or the wrong one."""

    def turn_away(self) -> None:
        """Close the connection of a client that is in no namespace."""

    def allowance_of(self, user: str | None) -> Allowance:
        """Return what the client may send while it speaks for a user, or for nobody."""
        ...

    def left(self, called: str, *, was_in: bool) -> None:
        """Note that a member is out of a namespace, by the name that its client calls it."""

    def disconnect(self) -> None:
        """Disconnect the client from every namespace and close the connection."""

    @property
    def tasks(self) -> Tasks:
        """Where handlers run."""
        ...

    @property
    def leave_grace_seconds(self) -> float:
        """How long the events of a client that has left are still handled."""
        ...

    def asks(self) -> None:
        """Note that somebody waits for the client's answer."""

    def is_answered(self) -> None:
        """Note that one who waited does so no more."""

    def event_waits(self, size: int) -> None:
        """Count an event that waits for its handler."""

    def event_done(self, size: int) -> None:
        """Count it no more."""
