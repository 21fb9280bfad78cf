"""How far messages have come with one member of a chat: as delivered, and as read. Pure; knows no database.

Messages that were delivered or read are nearly always all messages up to some number, so that number is what is kept,
beside a count of those that still wait. Where single messages are marked out of order, gaps appear above it. What is
marked there is kept as bits, in pages of `PAGE_MESSAGES` numbers each, so neither a message nor a mark ever costs more
than one page, and all pages of a member and kind take an eighth of a byte for each message of the chat, whatever was
marked. Nothing is rounded: neither is a message lost nor is one handed out that was marked.

Only messages of others that are not deleted wait. One's own and deleted ones count neither way, so a mark may well
cover them.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, TypeAlias, final

import msgspec

PAGE_MESSAGES: Final = 4096
"""Numbers in a page: 512 bytes as bits, so that rewriting one costs hardly more than rewriting a row."""

PAGE_BYTES: Final = PAGE_MESSAGES // 8

Bits: TypeAlias = int
"""A page: bit n is set if the page's n-th number is marked."""

Page: TypeAlias = Callable[[int], Bits]
"""Reads a page by its number; 0 if there is none."""


class Kind(Enum):
    """What a mark says. Whatever was read was delivered."""

    DELIVERED = "delivered"
    READ = "read"


@final
class Progress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a chat's messages have come with one member, as one of the two kinds."""

    waiting: int = 0
    """Messages of others, not deleted, that are not marked. Exact. Without any, every message counts as marked."""
    to: int = 0
    """As long as some wait: every number up to this one is marked."""
    beyond: int = 0
    """The highest number above `to` that is marked; 0 if there is none, and so no page either."""


@final
class Sequences(msgspec.Struct, frozen=True):
    """Sequence numbers of one chat: those within two bounds that are on none of these pages."""

    first: int
    last: int
    without: Mapping[int, Bits] = {}

    def __contains__(self, sequence: int) -> bool:
        """Tell whether a number is among them."""
        return self.first <= sequence <= self.last and not is_set(self.without.get(page_of(sequence), 0), sequence)


NO_SEQUENCES: Final = Sequences(1, 0)


def page_of(sequence: int) -> int:
    """Return the page on which a number is."""
    return sequence // PAGE_MESSAGES


def is_set(bits: Bits, sequence: int) -> bool:
    """Tell whether a number is marked on its page."""
    return bool(bits >> sequence % PAGE_MESSAGES & 1)


def to_bytes(bits: Bits) -> bytes:
    """Write a page as it is stored."""
    return bits.to_bytes(PAGE_BYTES, "little")


def from_bytes(stored: bytes) -> Bits:
    """Read a page as it is stored."""
    return int.from_bytes(stored, "little")


def is_marked(progress: Progress, sequence: int, page: Page) -> bool:
    """Tell whether a message of somebody else is marked."""
    if not progress.waiting or sequence <= progress.to:
        return True
    return sequence <= progress.beyond and is_set(page(page_of(sequence)), sequence)


def pages_above(progress: Progress) -> range:
    """Return the numbers of the pages that there may be."""
    if not progress.beyond:
        return range(0)
    return range(page_of(progress.to + 1), page_of(progress.beyond) + 1)


def highest_unmarked(progress: Progress, last: int, page: Page) -> int:
    """Return the highest number up to `last` that is not marked; `progress.to` if there is none."""
    while last > progress.to:
        if last > progress.beyond:
            return last
        number, offset = divmod(last, PAGE_MESSAGES)
        gaps = ~page(number) & (1 << offset + 1) - 1
        if gaps:
            return max(number * PAGE_MESSAGES + gaps.bit_length() - 1, progress.to)
        last = number * PAGE_MESSAGES - 1
    return progress.to


def with_new(progress: Progress, sequence: int) -> Progress:
    """Let the chat's new message wait."""
    if progress.waiting:
        return Progress(waiting=progress.waiting + 1, to=progress.to, beyond=progress.beyond)
    return Progress(waiting=1, to=sequence - 1)


def with_new_marked(progress: Progress, sequence: int) -> Progress:
    """Mark the chat's new message at once. If earlier ones wait, its bit must be stored as well: see `mark`."""
    if progress.waiting:
        return Progress(waiting=progress.waiting, to=progress.to, beyond=sequence)
    return progress


def without_one(progress: Progress) -> Progress:
    """Let a message that waits be deleted."""
    if progress.waiting > 1:
        return Progress(waiting=progress.waiting - 1, to=progress.to, beyond=progress.beyond)
    return Progress()


def mark(progress: Progress, first: int, last: int, *, newly: int, page: Page) -> tuple[Progress, dict[int, Bits]]:
    """Mark a range of messages; return the progress and the pages to be stored.

    Args:
        progress: before.
        first: the first number of the range.
        last: the last one.
        newly: how many messages in it wait.
        page: reads the pages as they are.
    """
    waiting = progress.waiting - newly
    if waiting == 0:
        return Progress(), {}
    if first > progress.to + 1:
        beyond = max(progress.beyond, last)
        return Progress(waiting=waiting, to=progress.to, beyond=beyond), _with_bits(first, last, page)
    to = _reached(max(progress.to, last), progress.beyond, page)
    return Progress(waiting=waiting, to=to, beyond=progress.beyond if progress.beyond > to else 0), {}


def _with_bits(first: int, last: int, page: Page) -> dict[int, Bits]:
    changed: dict[int, Bits] = {}
    for number in range(page_of(first), page_of(last) + 1):
        start = number * PAGE_MESSAGES
        low, high = max(first - start, 0), min(last - start, PAGE_MESSAGES - 1)
        changed[number] = page(number) | ((1 << high - low + 1) - 1) << low
    return changed


def _reached(to: int, beyond: int, page: Page) -> int:
    """Return the number up to which all are marked, given that those up to `to` are."""
    while to < beyond:
        offset = (to + 1) % PAGE_MESSAGES
        rest = page(page_of(to + 1)) >> offset
        run = (~rest & rest + 1).bit_length() - 1
        to += run
        if offset + run < PAGE_MESSAGES:
            break
    return to


@final
class Tally:
    """Sums up what is known of single messages.

    Attributes:
        pages: the pages that belong to the progress.
    """

    def __init__(self) -> None:
        self.pages: dict[int, Bits] = {}
        self._waiting = 0
        self._to = 0
        self._beyond = 0

    @property
    def progress(self) -> Progress:
        """Return what comes of it."""
        return Progress(waiting=self._waiting, to=self._to, beyond=self._beyond)

    def add(self, sequence: int, *, marked: bool) -> None:
        """Add a message of somebody else that is not deleted, with a higher number than those before.

        Marked ones before the first that waits may be left out.
        """
        if not marked:
            self._to = self._to if self._waiting else sequence - 1
            self._waiting += 1
        elif self._waiting:
            number = page_of(sequence)
            self.pages[number] = self.pages.get(number, 0) | 1 << sequence % PAGE_MESSAGES
            self._beyond = sequence
