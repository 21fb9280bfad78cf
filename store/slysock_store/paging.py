"""How any page number and limit become bounds that a store can serve."""

import msgspec

from .models import MAX_LIMIT


class Window(msgspec.Struct, frozen=True):
    """A page and limit within bounds."""

    page: int
    limit: int

    def offset(self, total_records: int) -> int:
        """Return how many records come before the page, at most all: a page number has no upper bound."""
        return min((self.page - 1) * self.limit, total_records)


class MessageCounts(msgspec.Struct, frozen=True):
    """How many messages a chat has: the numbers that it has allotted, and how many of those are not deleted."""

    last_sequence: int
    kept: int

    @property
    def all_kept(self) -> bool:
        """Whether no message is deleted."""
        return self.kept == self.last_sequence


def window(page: int, limit: int) -> Window:
    """Put what a caller asked for into bounds: page from 1, limit from 1 to `MAX_LIMIT`."""
    return Window(max(page, 1), min(max(limit, 1), MAX_LIMIT))
