"""What marking messages as delivered or read means for a chat, its member and their pages; the backends share it.

What a mark costs does not depend on how many messages it marks: see `progress`. The messages themselves are read only
to name the newest of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, Protocol, final

import msgspec

from .models import MAX_LIMIT, Chat, ChatId, MarkedMessages, Member, Message, MessageId, UserKey
from .progress import (
    NO_SEQUENCES,
    Bits,
    Kind,
    Page,
    Progress,
    Sequences,
    highest_unmarked,
    is_marked,
    mark,
    pages_above,
    without_one,
)

FIRST_LOOK: Final = 10
"""Messages of each chat that are looked at when several chats' newest are wanted; twice as many each further time."""

MOST_LOOKS: Final = 4
"""How often the messages that a mark names are looked for: some fifteen hundred of the newest, if few are others'."""


@final
class Placed(msgspec.Struct, frozen=True, gc=False):
    """A message's place and what decides whether it waits for somebody."""

    id: MessageId
    chat_id: ChatId
    sequence: int
    sender: UserKey
    is_deleted: bool
    created_at: datetime


def placed_of(message: Message) -> Placed:
    """Return where a message is."""
    return Placed(message.id, message.chat_id, message.sequence, message.sender, message.is_deleted, message.created_at)


class Reads(Protocol):
    """What a backend reads to find which messages wait."""

    def pages(self, chat_id: ChatId, user: UserKey, kind: Kind, numbers: range, /) -> Mapping[int, Bits]:
        """Return the pages with these numbers that there are."""
        ...

    def placed(self, spans: Sequence[tuple[ChatId, int, int]], /) -> Sequence[Placed]:
        """Return the messages between two numbers of each chat, both included, in any order."""
        ...


class Records(Reads, Protocol):
    """What a backend's transaction reads and writes about receipts."""

    def page(self, chat_id: ChatId, user: UserKey, kind: Kind, number: int, /) -> Bits:
        """Return a page; 0 if there is none."""
        ...

    def put_pages(self, chat_id: ChatId, user: UserKey, kind: Kind, pages: Mapping[int, Bits], /) -> None:
        """Store these pages."""
        ...

    def clear_pages(self, chat_id: ChatId, user: UserKey, kind: Kind, /) -> None:
        """Delete all pages of a member and kind."""
        ...

    def put_member(self, chat: Chat, member: Member, /) -> Chat:
        """Store a member as it is now; return the chat with it."""
        ...


class Pages(Protocol):
    """What is needed to tell whom messages have reached."""

    def page(self, chat_id: ChatId, user: UserKey, kind: Kind, number: int, /) -> Bits:
        """Return a page; 0 if there is none."""
        ...


def with_receipts(message: Message, members: Sequence[Member], pages: Pages) -> Message:
    """Return a message as it stands with the members of its chat; a deleted one has kept that itself."""
    if message.is_deleted:
        return message
    others = [member for member in members if member.user != message.sender]
    delivered = (member.user for member in others if _is_marked(message, member, Kind.DELIVERED, pages))
    read = (member.user for member in others if _is_marked(message, member, Kind.READ, pages))
    return msgspec.structs.replace(message, delivered_to=tuple(sorted(delivered)), read_by=tuple(sorted(read)))


def _is_marked(message: Message, member: Member, kind: Kind, pages: Pages) -> bool:
    page = _page_of(pages, message.chat_id, member, kind)
    return is_marked(progress_of(member, kind), message.sequence, page)


def _page_of(pages: Pages, chat_id: ChatId, member: Member, kind: Kind) -> Page:
    return lambda number: pages.page(chat_id, member.user, kind, number)


def progress_of(member: Member, kind: Kind) -> Progress:
    """Return how far the messages have come with a member."""
    return member.read if kind is Kind.READ else member.delivered


def _with_progress(member: Member, kind: Kind, progress: Progress) -> Member:
    if kind is Kind.READ:
        return msgspec.structs.replace(member, read=progress)
    return msgspec.structs.replace(member, delivered=progress)


def mark_new(records: Records, chat: Chat, message: Message) -> None:
    """Store what a new message that is delivered at once needs beside the chat's counters. The chat is as before it.

    Usually nothing does: only where earlier messages wait, this one has to be told from them.
    """
    for user in message.delivered_to:
        member = chat.member(user)
        if member is not None and member.delivered.waiting:
            at = message.sequence
            _marked(records, chat.id, member, Kind.DELIVERED, at, at, newly=0)


def mark_all(records: Records, chat: Chat, user: UserKey, kind: Kind) -> MarkedMessages:
    """Mark everything that waits for this user."""
    member = chat.member(user)
    if member is None or not progress_of(member, kind).waiting:
        return _nothing(chat)
    search = _Search(records, chat, member, kind)
    progress = search.progress
    sequences = Sequences(progress.to + 1, chat.last_sequence, search.pages)
    ids = tuple(found.id for found in _newest(search)[:MAX_LIMIT])
    for each in _implied(kind):
        member = _moved(records, chat.id, member, each, Progress())
    return MarkedMessages(
        chat=records.put_member(chat, member), count=progress.waiting, message_ids=ids, sequences=sequences
    )


def mark_one_read(records: Records, chat: Chat, user: UserKey, message: Message) -> MarkedMessages:
    """Mark one message of the chat as read by this user."""
    member, at = chat.member(user), message.sequence
    if member is None or message.sender == user or message.is_deleted:
        return _nothing(chat)
    if is_marked(member.read, at, _page_of(records, chat.id, member, Kind.READ)):
        return _nothing(chat)
    for kind in Kind:
        if not is_marked(progress_of(member, kind), at, _page_of(records, chat.id, member, kind)):
            member = _marked(records, chat.id, member, kind, at, at, newly=1)
    changed = records.put_member(chat, member)
    return MarkedMessages(chat=changed, count=1, message_ids=(message.id,), sequences=Sequences(at, at))


def take(records: Records, chats: Iterable[Chat], user: UserKey, limit: int) -> Sequence[Placed]:
    """Mark the newest messages that wait for this user as delivered and return them, newest first.

    Args:
        records: the transaction.
        chats: those with messages that wait for the user, latest activity first.
        user: whom they wait for.
        limit: how many at most.
    """
    members = ((chat, chat.member(user)) for chat in chats)
    searches = (_Search(records, chat, member, Kind.DELIVERED) for chat, member in members if member is not None)
    taken = _newest_of(searches, limit)
    of_chat: dict[ChatId, list[_Found]] = {}
    for found in taken:
        of_chat.setdefault(found.placed.chat_id, []).append(found)
    for found_there in of_chat.values():
        search, first = found_there[0].search, found_there[-1].placed.sequence
        chat, newly = search.chat, len(found_there)
        # Nothing else waits from there on: own and deleted messages may be covered, and need not be seen again.
        member = _marked(records, chat.id, search.member, Kind.DELIVERED, first, search.top, newly=newly)
        records.put_member(chat, member)
    return [found.placed for found in taken]


def list_waiting(
    reads: Reads, chats: Iterable[Chat], user: UserKey, limit: int, before: Placed | None
) -> Sequence[Placed]:
    """Return the newest messages that wait for this user, newest first.

    Args:
        reads: as of one moment.
        chats: those with messages that wait for the user, latest activity first.
        user: whom they wait for.
        limit: how many at most.
        before: the message after which the list goes on.
    """
    members = ((chat, chat.member(user)) for chat in chats)
    searches = (
        _Search(reads, chat, member, Kind.DELIVERED, before=before) for chat, member in members if member is not None
    )
    return [found.placed for found in _newest_of(searches, limit)]


def mark_received(records: Records, chat: Chat, user: UserKey, messages: Sequence[Placed]) -> int:
    """Mark these messages of the chat as delivered to this user; return how many of them waited."""
    member, count = chat.member(user), 0
    if member is None:
        return 0
    # From the oldest up: then the number up to which all are marked may move, and gaps need not be kept.
    for placed in sorted(messages, key=lambda placed: placed.sequence):
        at, page = placed.sequence, _page_of(records, chat.id, member, Kind.DELIVERED)
        if placed.sender != user and not placed.is_deleted and not is_marked(member.delivered, at, page):
            member = _marked(records, chat.id, member, Kind.DELIVERED, at, at, newly=1)
            count += 1
    if count:
        records.put_member(chat, member)
    return count


def forget(records: Records, chat: Chat, message: Message) -> Chat:
    """Let the deleted message wait for nobody any more."""
    for member in chat.members:
        left = member
        for kind in Kind:
            progress = progress_of(member, kind)
            page = _page_of(records, chat.id, member, kind)
            if member.user != message.sender and not is_marked(progress, message.sequence, page):
                left = _moved(records, chat.id, left, kind, without_one(progress))
        if left is not member:
            chat = records.put_member(chat, left)
    return chat


def _nothing(chat: Chat) -> MarkedMessages:
    return MarkedMessages(chat=chat, count=0, message_ids=(), sequences=NO_SEQUENCES)


def _implied(kind: Kind) -> Sequence[Kind]:
    return tuple(Kind) if kind is Kind.READ else (kind,)


def _marked(
    records: Records, chat_id: ChatId, member: Member, kind: Kind, first: int, last: int, *, newly: int
) -> Member:
    page = _page_of(records, chat_id, member, kind)
    progress, pages = mark(progress_of(member, kind), first, last, newly=newly, page=page)
    if pages:
        records.put_pages(chat_id, member.user, kind, pages)
    return _moved(records, chat_id, member, kind, progress)


def _moved(records: Records, chat_id: ChatId, member: Member, kind: Kind, progress: Progress) -> Member:
    if progress_of(member, kind).beyond and not progress.beyond:
        records.clear_pages(chat_id, member.user, kind)
    return _with_progress(member, kind, progress)


# Which messages wait: they are looked for from the newest down, past those that are marked.


@final
class _Search:
    """The messages of one chat that wait for one member, or those behind another message in the order of `_Found`.

    Reads no message before it is asked to.
    """

    def __init__(self, records: Reads, chat: Chat, member: Member, kind: Kind, *, before: Placed | None = None) -> None:
        self.records = records
        self._before = None if before is None or before.chat_id == chat.id else before
        self.chat = chat
        self.member = member
        self.progress = progress_of(member, kind)
        self.pages: Mapping[int, Bits] = {}
        if self.progress.beyond:
            self.pages = records.pages(chat.id, member.user, kind, pages_above(self.progress))
        self.left = self.progress.waiting
        """How many have not been found yet, at most."""
        self.newest_at = chat.last_message_at
        """No message that is left is newer."""
        self._size = 0
        self._first = 0  # of the last span
        last = before.sequence - 1 if before is not None and before.chat_id == chat.id else chat.last_sequence
        self.top = self._next = self._unmarked(last)
        """Every number above `top` is marked."""

    def _page(self, number: int) -> Bits:
        return self.pages.get(number, 0)

    def _unmarked(self, last: int) -> int:
        return highest_unmarked(self.progress, last, self._page)

    def span(self, size: int) -> tuple[ChatId, int, int]:
        """Return what to look at next: this many messages, but twice as many as the last time at least."""
        self._size = max(size, 2 * self._size)
        self._first = max(self._next - self._size + 1, self.progress.to + 1)
        return self.chat.id, self._first, self._next

    def among(self, seen: Iterable[Placed]) -> "list[_Found]":
        """Return those that wait among the messages of the span, and go on below it."""
        found: list[_Found] = []
        for placed in sorted(seen, key=lambda placed: -placed.sequence):
            if self.newest_at is None or placed.created_at < self.newest_at:
                self.newest_at = placed.created_at
            if self._waits(placed):
                found.append(_Found(placed, self, self.newest_at))
        self.left -= len(found)
        self._next = self._unmarked(self._first - 1)
        if self._next <= self.progress.to:
            self.left = 0
        return [each for each in found if self._is_behind(each)]

    def _is_behind(self, found: "_Found") -> bool:
        return self._before is None or found.order < (self._before.created_at, self._before.chat_id, 0)

    def _waits(self, placed: Placed) -> bool:
        if placed.sender == self.member.user or placed.is_deleted:
            return False
        return not is_marked(self.progress, placed.sequence, self._page)


@final
class _Found(msgspec.Struct, frozen=True, gc=False):
    placed: Placed
    search: _Search
    at: datetime
    """When it was sent; no later than any behind it in its chat, also where a clock was wrong."""

    @property
    def order(self) -> tuple[datetime, ChatId, int]:
        return self.at, self.placed.chat_id, self.placed.sequence


def _newest(search: _Search) -> list[Placed]:
    """Return the newest that wait in one chat, newest first, as far as they are found with a few looks."""
    found: list[_Found] = []
    for _ in range(MOST_LOOKS):
        if not search.left or len(found) >= MAX_LIMIT:
            break
        found += _look([search], MAX_LIMIT)
    return [each.placed for each in sorted(found, key=lambda each: each.order, reverse=True)]


def _newest_of(searches: Iterable[_Search], limit: int) -> "list[_Found]":
    """Return the newest that wait in several chats, newest first. `searches` come in the order of activity."""
    coming = iter(searches)
    under_way: list[_Search] = []
    found: list[_Found] = []
    while True:
        oldest = found[limit - 1].at if len(found) >= limit else None
        under_way = [search for search in under_way if search.left and _may_add(search, oldest)]
        under_way += [search for search in islice(coming, limit - len(under_way)) if _may_add(search, oldest)]
        if not under_way:
            return found[:limit]
        found += _look(under_way, max(limit // len(under_way), FIRST_LOOK))
        found.sort(key=lambda each: each.order, reverse=True)


def _may_add(search: _Search, oldest: datetime | None) -> bool:
    return oldest is None or search.newest_at is None or search.newest_at >= oldest


def _look(searches: Sequence[_Search], size: int) -> "list[_Found]":
    seen: dict[ChatId, list[Placed]] = {}
    for placed in searches[0].records.placed([search.span(size) for search in searches]):
        seen.setdefault(placed.chat_id, []).append(placed)
    return [found for search in searches for found in search.among(seen.get(search.chat.id, ()))]
