"""Files that clients send and get back: streamed both ways, typed by their content, never named by clients.

A system decides who may send and who may see; it makes a `MediaFolder`, receives files with `receive` and answers with
`MediaAnswer`. `folder.run` must run in a task beside it.
"""

from .disk import MediaName, StoredFile, maybe_name
from .errors import (
    BadForm,
    DayQuotaReached,
    FileTooLarge,
    FolderBroken,
    NoRoom,
    NotMedia,
    QuotaReached,
    TooManyUploads,
    UploadBroken,
    UploadError,
)
from .folder import MediaFolder, Upload
from .form import MAX_OVERHEAD_BYTES
from .kinds import KINDS, MediaKind, kind_of
from .patience import Patience
from .quotas import Quotas, without_file
from .serving import MediaAnswer

__all__ = [
    "KINDS",
    "MAX_OVERHEAD_BYTES",
    "BadForm",
    "DayQuotaReached",
    "FileTooLarge",
    "FolderBroken",
    "MediaAnswer",
    "MediaFolder",
    "MediaKind",
    "MediaName",
    "NoRoom",
    "NotMedia",
    "Patience",
    "QuotaReached",
    "Quotas",
    "StoredFile",
    "TooManyUploads",
    "Upload",
    "UploadBroken",
    "UploadError",
    "kind_of",
    "maybe_name",
    "without_file",
]
