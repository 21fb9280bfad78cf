"""What can go wrong with a store, by whose doing it is.

    StoreError
    ├── BadStoreUrl        the URL or path names no store that could be opened
    ├── SchemaTooNew       the database was written by a newer version
    ├── StoreInUse         another server owns the database
    ├── StoreUnavailable   the environment: read-only, locked, I/O, files lost; a retry may succeed
    ├── StoreFull          no room on the disk, for as long as that lasts; nothing was written
    ├── StoreBusy          load: more writes wait than the store takes; nothing was written
    ├── StoreClosed        you closed it
    ├── BadValue           a value that no store can keep (a lone surrogate, a number out of range, not JSON)
    └── Refused            the records do not allow it; nothing was written
        ├── NotFound       no such chat, message, notification or user
        ├── NotSender      only the sender edits or deletes a message
        ├── ChatBlocked    a participant has blocked the chat
        └── WrongStatus    the chat is not in the status that the caller requires

The texts are for operators and logs. They hold no record's contents, but may hold ids and paths: a dialect answers
its client with a text of its own. Foreign exceptions (sqlite3, pymongo) never leave this package.
"""


class StoreError(Exception):
    """Any failure of a store."""


class BadStoreUrl(StoreError):
    """The URL names no store that could be opened; the text is one line for the person who wrote it."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version of this package; it was not touched."""

    def __init__(self, *, where: str, found: int, supported: int) -> None:
        super().__init__(where, found, supported)
        self.where = where
        self.found = found
        self.supported = supported

    def __str__(self) -> str:
        return (
            f"{self.where} has schema version {self.found}, but this slysock only knows up to {self.supported}: "
            "use the newer slysock that wrote it, or another database"
        )


class StoreUnavailable(StoreError):
    """The database failed, is lost or cannot be reached; `__cause__` is the driver's error, if there is one.

    Nothing was written, unless `outcome_unknown` is set: then it may have been, and a retry with the same client
    message id finds out.
    """

    def __init__(self, text: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(text)
        self.outcome_unknown = outcome_unknown


class StoreInUse(StoreError):
    """Another server owns the database.

    Attributes:
        owner: what it says of itself: process, host and time.
    """

    def __init__(self, where: str, owner: str) -> None:
        super().__init__(where, owner)
        self.where = where
        self.owner = owner

    def __str__(self) -> str:
        return f"{self.where} is in use by {self.owner}"


class StoreFull(StoreError):
    """There is no room for more on the disk. Nothing was written; what takes no room, such as deleting, may be done."""


class StoreBusy(StoreError):
    """More writes wait than the store takes. Nothing was written; try again later."""


class StoreClosed(StoreError):
    """The store was closed before the call."""


class BadValue(StoreError):
    """A value that cannot be kept. Nothing was written."""


class Refused(StoreError):
    """The existing records do not allow it. Nothing was written."""


class NotFound(Refused):
    """No such record in this system."""

    def __init__(self, what: str, key: str) -> None:
        super().__init__(what, key)
        self.what = what
        self.key = key

    def __str__(self) -> str:
        return f"no {self.what} {self.key!r}"


class NotSender(Refused):
    """Only the sender edits or deletes a message."""


class ChatBlocked(Refused):
    """A participant has blocked the chat; nobody can send into it."""


class WrongStatus(Refused):
    """The chat is not in the status that the caller requires.

    Attributes:
        status: the chat's present status.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status

    def __str__(self) -> str:
        return f"the chat is {self.status}"
