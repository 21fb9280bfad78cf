"""Why an upload is not accepted; the system translates these into its own answers.

    UploadError
    ├── BadForm       the body is not the expected form
    ├── FileTooLarge  more than the limit; raised as soon as it is known, the rest is not read
    ├── NotMedia      by its content, neither an image nor a video of a known kind
    ├── TooManyUploads  the user has as many under way as allowed
    ├── DayQuotaReached  with it, the user's files of this day would be more than allowed
    ├── QuotaReached  with it, all files of the user would be
    ├── UploadBroken  it stopped coming, or took too long
    ├── NoRoom        the disk is full, or nearly so
    └── FolderBroken  the folder cannot be used; `__cause__` says why

Every text may be shown to the client.
"""

from typing import final


class UploadError(Exception):
    """An upload was not accepted, and nothing of it is left."""


@final
class BadForm(UploadError):
    """The body is not the expected form."""


@final
class FileTooLarge(UploadError):
    """The file, or what comes with it, is over the limit.

    Attributes:
        limit_bytes: the most that is accepted.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"The file is too large: the limit is {_size(self.limit_bytes)}"


@final
class NotMedia(UploadError):
    """By its content, the file is neither an image nor a video of a known kind, whatever its name says."""

    def __str__(self) -> str:
        return "Only images and videos can be sent"


@final
class TooManyUploads(UploadError):
    """The user has as many uploads under way as allowed."""

    def __str__(self) -> str:
        return "Too many uploads at once, try again later"


@final
class DayQuotaReached(UploadError):
    """With this file, those that the user has uploaded today would be more than allowed.

    Attributes:
        limit_bytes: the most in a day.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"You have uploaded enough for today: the limit is {_size(self.limit_bytes)}"


@final
class QuotaReached(UploadError):
    """With this file, all files of the user would be more than allowed.

    Attributes:
        limit_bytes: the most in all.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"Your files take all the room that you have, {_size(self.limit_bytes)}: delete some of them"


@final
class UploadBroken(UploadError):
    """The upload stopped coming, or took too long."""

    def __str__(self) -> str:
        return "The upload was interrupted"


@final
class NoRoom(UploadError):
    """The disk is full, or has less room than is kept free."""

    def __str__(self) -> str:
        return "There is no room for files at the moment, try again later"


@final
class FolderBroken(UploadError):
    """The folder cannot be used; `__cause__` says why."""

    def __str__(self) -> str:
        return "Files cannot be accepted at the moment, try again later"


def _size(count: int) -> str:
    mebibytes, rest = divmod(count, 1_048_576)
    return f"{mebibytes} MB" if mebibytes and not rest else f"{count} bytes"
