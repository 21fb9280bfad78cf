"""What `pip install slysock` leaves out, and how somebody who lacks it is told which extra brings it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import final

__all__ = ["MissingExtra", "needs_extra"]


@final
class MissingExtra(ModuleNotFoundError):
    """A part of slysock needs an extra that is not installed; the text is one line that says how to install it."""


@contextmanager
def needs_extra(part: str, extra: str) -> Generator[None, None, None]:
    """Import inside of this what only an extra brings.

    Args:
        part: what was asked for, in its user's words: `slysock.identity`, `slysock serve`.
        extra: as in `pip install 'slysock[extra]'`.

    Raises:
        MissingExtra: somebody else's module was not found. A missing module of ours is our mistake and shown as it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("slysock"):
            raise
        text = f"{part} needs the extra \"{extra}\": pip install 'slysock[{extra}]'"
        raise MissingExtra(text, name=error.name) from error
