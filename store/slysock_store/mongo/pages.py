"""The pages of marks that lie above gaps (`slysock_store.progress`), as readers and as transactions see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias, final

from pymongo import DeleteMany, ReplaceOne
from pymongo.client_session import ClientSession

from slysock_store.models import Chat, ChatId, Message, UserKey
from slysock_store.progress import Bits, Kind, from_bytes, page_of, to_bytes
from slysock_store.receipts import progress_of

from .documents import Document, PageDocument, decode, encode
from .filters import between, where
from .layout import Snapshot


class Owner(NamedTuple):
    """Whose pages: one member's, of one kind."""

    chat_id: ChatId
    user: UserKey
    kind: Kind

    def wanted(self) -> Document:
        """Return the filter that finds them."""
        return where(chat_id=self.chat_id, user=self.user, kind=self.kind.value)


PageKey: TypeAlias = tuple[Owner, int]


def page_document(key: PageKey, bits: Bits) -> PageDocument:
    """Make the document of a page."""
    (chat_id, user, kind), number = key
    return PageDocument(chat_id=chat_id, user=user, kind=kind.value, page=number, bits=to_bytes(bits))


def find_page(snapshot: Snapshot, key: PageKey) -> Bits:
    """Return a page; 0 if there is none."""
    found = snapshot.find_one(snapshot.collections.receipts, _wanted(key))
    return 0 if found is None else from_bytes(decode(found, PageDocument).bits)


def find_pages(snapshot: Snapshot, owner: Owner, numbers: range) -> Mapping[int, Bits]:
    """Return the pages with these numbers that there are."""
    wanted: Document = {**owner.wanted(), "page": between(numbers[0], numbers[-1])}
    pages = [decode(found, PageDocument) for found in snapshot.find(snapshot.collections.receipts, wanted)]
    return {page.page: from_bytes(page.bits) for page in pages}


def _wanted(key: PageKey) -> Document:
    owner, number = key
    return {**owner.wanted(), **where(page=number)}


@final
class SeenPages:
    """The pages that tell whom these messages have reached; read when it is made, at most with one command."""

    def __init__(self, snapshot: Snapshot, chats: Mapping[ChatId, Chat], messages: Iterable[Message]) -> None:
        keys = {key for message in messages for key in _needed(chats[message.chat_id], message)}
        self._bits: dict[PageKey, Bits] = {}
        if keys:
            wanted: Document = {"$or": [_wanted(key) for key in keys]}
            for found in snapshot.find(snapshot.collections.receipts, wanted):
                page = decode(found, PageDocument)
                owner = Owner(ChatId(page.chat_id), UserKey(page.user), Kind(page.kind))
                self._bits[owner, page.page] = from_bytes(page.bits)

    def page(self, chat_id: ChatId, user: UserKey, kind: Kind, number: int) -> Bits:
        """See `slysock_store.receipts.Pages`."""
        return self._bits.get((Owner(chat_id, user, kind), number), 0)


def _needed(chat: Chat, message: Message) -> Iterable[PageKey]:
    for member in chat.members:
        for kind in Kind:
            progress = progress_of(member, kind)
            if progress.waiting and progress.to < message.sequence <= progress.beyond:
                yield Owner(chat.id, member.user, kind), page_of(message.sequence)


@final
class ChangedPages:
    """The pages that something has changed: those of some owners are deleted, and then some are put."""

    def __init__(self) -> None:
        self.cleared: set[Owner] = set()
        self.put: dict[PageKey, Bits] = {}

    def maybe_page(self, key: PageKey) -> Bits | None:
        """Return a page if this is known of it; None to look elsewhere."""
        return self.put.get(key, 0 if key[0] in self.cleared else None)

    def clear(self, owner: Owner) -> None:
        """Delete all pages of an owner."""
        self.cleared.add(owner)
        self.put = {key: bits for key, bits in self.put.items() if key[0] != owner}

    def add(self, later: "ChangedPages") -> None:
        """Add what was changed later."""
        for owner in later.cleared:
            self.clear(owner)
        self.put.update(later.put)

    def flush(self, snapshot: Snapshot, session: ClientSession) -> None:
        """Send what was changed, as one bulk write."""
        requests: Sequence[DeleteMany | ReplaceOne[Document]] = [
            *(DeleteMany(owner.wanted()) for owner in self.cleared),
            *(ReplaceOne(_wanted(key), _plain(key, bits), upsert=True) for key, bits in self.put.items()),
        ]
        if requests:
            snapshot.collections.receipts.bulk_write(requests, session=session)
        self.cleared.clear()
        self.put.clear()


def _plain(key: PageKey, bits: Bits) -> Document:
    return dict(encode(page_document(key, bits)))
