"""Files that clients send and get back: streamed in both directions, typed by their content, never named by clients.

A system decides who may send and who may see; it makes a `MediaFolder`, takes files by `receive` and answers with
`MediaAnswer`. `folder.run` is to run in a task beside it.
"""

from .disk import MediaName, StoredFile, maybe_name
from .errors import (
    BadForm,
    FileTooLarge,
    FolderBroken,
    NoRoom,
    NotMedia,
    TooManyUploads,
    UploadBroken,
    UploadError,
)
from .folder import MediaFolder, Upload
from .form import MAX_OVERHEAD_BYTES
from .kinds import KINDS, MediaKind, kind_of
from .patience import Patience
from .serving import MediaAnswer

__all__ = [
    "KINDS",
    "MAX_OVERHEAD_BYTES",
    "BadForm",
    "FileTooLarge",
    "FolderBroken",
    "MediaAnswer",
    "MediaFolder",
    "MediaKind",
    "MediaName",
    "NoRoom",
    "NotMedia",
    "Patience",
    "StoredFile",
    "TooManyUploads",
    "Upload",
    "UploadBroken",
    "UploadError",
    "kind_of",
    "maybe_name",
]
