"""What an operator can set about the systems.

Here and not in the systems' folders: a setting is a flag, a variable and a key of a file that all commands share, and
an unknown name is refused. Names that systems declare would only be known once every system has been loaded. Nor does
any of them belong to one system: all that take files share a folder, all in the root namespace share its door.

Nothing is imported that has to be installed for the systems, as the command line reads this for its help.
"""

from pathlib import Path
from typing import Annotated, final

import msgspec
from msgspec import Meta


@final
class SystemSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can set about the systems."""

    media_path: Path = Path("var/media")
    """The folder of uploaded files; nobody else may look into it."""

    max_media_bytes: int = 52_428_800
    """The largest file accepted."""

    max_user_media_bytes_per_day: int = 1_073_741_824
    """The most that one user may upload in a day (UTC)."""

    max_user_media_bytes: int = 10_737_418_240
    """The most that the files of one user may take; deleting a message with a file makes room."""

    min_free_bytes: Annotated[int, Meta(ge=0)] = 268_435_456
    """Free on the disks of the database and of uploads; with less, messages and uploads are refused (507), so that
    deleting still works. 0 refuses nothing."""

    trust_user_join: bool = False
    """For closed networks only: admit clients without a token to the root namespace, and believe who they say they
    are."""
