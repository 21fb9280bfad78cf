"""What the writes of one transaction share, and what each of them works with.

A command to the server costs far more than the work it asks for, so writes that share a transaction share commands: a
chat or message is read once, changed in memory by each write in turn, and written once, in bulk. The transaction sees
the database as of one moment, so what is kept in memory stays true until its end; if another process changed the same
record meanwhile, the server refuses the transaction and all of it is repeated.

MongoDB has no savepoints. A write keeps what it changes to itself until it ends; one that fails is dropped alone,
unless it has sent commands of its own (`Transaction.direct`): then the transaction is given up and repeated without it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar, final

from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument
from pymongo import InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from slysock_store.ids import IdGenerator
from slysock_store.models import Chat, ChatId, ChatKey, Message, MessageId, SystemName, UserKey
from slysock_store.progress import Bits, Kind

from .documents import Document, encode
from .filters import one_of, where
from .layout import Collections, Snapshot
from .pages import ChangedPages, Owner, PageKey, find_page, find_pages
from .records import chat_document, chat_of, chat_record, message_document, message_of, message_record, retry_key

R = TypeVar("R")

Request: TypeAlias = InsertOne[RawBSONDocument] | ReplaceOne[RawBSONDocument]


@final
@dataclass(frozen=True, slots=True)
class Known:
    """A message and its system, which the record does not name."""

    system: SystemName
    message: Message


@final
class Pending:
    """Whole documents of one collection that wait to be written."""

    def __init__(self, collection: Collection[Document]) -> None:
        self._collection: Collection[RawBSONDocument] = collection.with_options(codec_options=DEFAULT_RAW_BSON_OPTIONS)
        self._new: dict[str, RawBSONDocument] = {}  # by _id
        self._changed: dict[str, RawBSONDocument] = {}  # by _id

    def put(self, key: str, document: RawBSONDocument, *, is_new: bool) -> None:
        """Write this document at the next `flush`, in place of an earlier one with the same `_id`."""
        if is_new or key in self._new:
            self._new[key] = document
        else:
            self._changed[key] = document

    def flush(self, session: ClientSession) -> None:
        """Send what waits as one bulk write."""
        requests: list[Request] = [InsertOne(document) for document in self._new.values()]
        requests += [ReplaceOne(where(_id=key), document) for key, document in self._changed.items()]
        if requests:
            self._collection.bulk_write(requests, session=session)
        self._new.clear()
        self._changed.clear()


@final
@dataclass(frozen=True, slots=True)
class Changed(Generic[R]):
    """A record as a write leaves it, and its document."""

    record: R
    document: RawBSONDocument
    is_new: bool


@final
class Batch:
    """One transaction: the records that its writes have read or changed so far. Belongs to the writer thread."""

    def __init__(self, snapshot: Snapshot, ids: IdGenerator) -> None:
        self.snapshot = snapshot
        self.ids = ids
        self._chats: dict[ChatId, Chat | None] = {}
        self._chat_ids: dict[tuple[SystemName, ChatKey], ChatId | None] = {}
        self._messages: dict[MessageId, Known] = {}
        self._retries: dict[str, MessageId | None] = {}  # retry key -> the message that was sent with it
        self._pages: dict[PageKey, Bits] = {}
        self._pending_pages = ChangedPages()
        self._pending_chats = Pending(snapshot.collections.chats)
        self._pending_messages = Pending(snapshot.collections.messages)

    # Reading ahead for many writes at once

    def load_chats(self, chat_ids: Iterable[ChatId], keys: Iterable[tuple[SystemName, ChatKey]]) -> None:
        """Read these chats, so that asking for them later costs nothing."""
        wanted_ids, wanted_keys = set(chat_ids), set(keys)
        filters: list[Document] = [{"_id": one_of(wanted_ids)}] if wanted_ids else []
        for system in {system for system, _ in wanted_keys}:
            named = [key for key_system, key in wanted_keys if key_system == system]
            filters.append({**where(system=system), "key": one_of(named)})
        self._know_chats([chat for wanted in filters for chat in self._find_chats(wanted)])
        # What was not found is known not to be; only now, so that a failure above leaves nothing half-known.
        for chat_id in wanted_ids:
            self._chats.setdefault(chat_id, None)
        for key in wanted_keys:
            self._chat_ids.setdefault(key, None)

    def load_retries(self, keys: Iterable[str]) -> None:
        """Read which of these retry keys were used, so that asking for them later costs nothing."""
        wanted = set(keys)
        if not wanted:
            return
        messages = self.snapshot.collections.messages
        found = self.snapshot.find(messages, {"retry_key": one_of(wanted)}, "retry_key")
        used = {str(message["retry_key"]): MessageId(str(message["_id"])) for message in found}
        self._retries.update({key: used.get(key) for key in wanted})

    def _find_chats(self, wanted: Document) -> list[Chat]:
        return [chat_of(found) for found in self.snapshot.find(self.snapshot.collections.chats, wanted)]

    def _know_chats(self, chats: Iterable[Chat]) -> None:
        for chat in chats:
            # One that was read by another name and changed since is newer than what the database says.
            self._chats[chat.id] = self._chats.get(chat.id) or chat
            self._chat_ids[chat.system, chat.key] = chat.id

    def load_messages(self, message_ids: Iterable[MessageId]) -> None:
        """Read these messages, so that asking for them later costs nothing."""
        wanted = [message_id for message_id in message_ids if message_id not in self._messages]
        if wanted:
            for found in self.snapshot.find(self.snapshot.collections.messages, {"_id": one_of(wanted)}):
                message = message_of(found)
                self._messages[message.id] = Known(SystemName(str(found["system"])), message)

    # Records

    def chat(self, chat_id: ChatId) -> Chat | None:
        """Return a chat of any system."""
        if chat_id not in self._chats:
            self.load_chats([chat_id], [])
        return self._chats[chat_id]

    def chat_with(self, system: SystemName, key: ChatKey) -> Chat | None:
        """Return the chat with this key."""
        if (system, key) not in self._chat_ids:
            self.load_chats([], [(system, key)])
        chat_id = self._chat_ids[system, key]
        return None if chat_id is None else self.chat(chat_id)

    def message(self, message_id: MessageId) -> Known | None:
        """Return a message of any system."""
        if message_id not in self._messages:
            self.load_messages([message_id])
        return self._messages.get(message_id)

    def retried(self, key: str) -> MessageId | None:
        """Return the message that was sent with this retry key."""
        if key not in self._retries:
            self.load_retries([key])
        return self._retries[key]

    def page(self, key: PageKey) -> Bits:
        """Return a page of marks; 0 if there is none."""
        pending = self._pending_pages.maybe_page(key)
        if pending is not None:
            return pending
        if key not in self._pages:
            self._pages[key] = find_page(self.snapshot, key)
        return self._pages[key]

    def load_pages(self, owner: Owner, numbers: range) -> None:
        """Read these pages, so that asking for them later costs nothing."""
        found = find_pages(self.snapshot, owner, numbers)
        self._pages.update({(owner, number): found.get(number, 0) for number in numbers})

    # Writing

    def keep_pages(self, changed: ChangedPages) -> None:
        """Take over the pages that a write has changed."""
        self._pending_pages.add(changed)

    def keep_chat(self, changed: Changed[Chat]) -> None:
        """Take over a chat that a write has changed."""
        chat = changed.record
        self._chats[chat.id] = chat
        self._chat_ids[chat.system, chat.key] = chat.id
        self._pending_chats.put(chat.id, changed.document, is_new=changed.is_new)

    def keep_message(self, changed: Changed[Known]) -> None:
        """Take over a message that a write has changed."""
        message = changed.record.message
        self._messages[message.id] = changed.record
        self._pending_messages.put(message.id, changed.document, is_new=changed.is_new)
        if message.client_message_id is not None:
            self._retries[retry_key(message.chat_id, message.sender, message.client_message_id)] = message.id

    def flush(self) -> None:
        """Send what waits. Commands may then change messages, so those that are known are forgotten, and pages."""
        self._pending_chats.flush(self.snapshot.session)
        self._pending_messages.flush(self.snapshot.session)
        self._pending_pages.flush(self.snapshot, self.snapshot.session)
        self._messages.clear()
        self._pages.clear()


@final
class Transaction:
    """What one write works with. `now` is its time in milliseconds since 1970."""

    def __init__(self, batch: Batch, *, now: int) -> None:
        self._batch = batch
        self.now = now
        self._chats: dict[ChatId, Changed[Chat]] = {}
        self._messages: dict[MessageId, Changed[Known]] = {}
        self._pages = ChangedPages()
        self._has_sent = False

    @property
    def has_sent(self) -> bool:
        """Tell whether this write has sent commands that change something."""
        return self._has_sent

    def new_id(self) -> str:
        """Return an id for something made by this write."""
        return self._batch.ids.new_id(self.now)

    def chat(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """Return one chat of this system."""
        where(system=system, chat_id=chat_id)
        mine = self._chats.get(chat_id)
        chat = self._batch.chat(chat_id) if mine is None else mine.record
        return chat if chat is not None and chat.system == system else None

    def chat_with(self, system: SystemName, key: ChatKey) -> Chat | None:
        """Return the chat with this key, unless it is this write that makes it."""
        where(system=system, key=key)
        return self._batch.chat_with(system, key)

    def message(self, system: SystemName, message_id: MessageId) -> Message | None:
        """Return one message of this system, without whom it has reached: see `messages.existing_message`."""
        where(system=system, message_id=message_id)
        known = self._batch.message(message_id)
        return known.message if known is not None and known.system == system else None

    def retried(self, key: str) -> MessageId | None:
        """Return the message that was sent with this retry key."""
        return self._batch.retried(key)

    def put_chat(self, chat: Chat, *, is_new: bool = False) -> Chat:
        """Store a chat as it is now; return it as it will be read.

        Raises:
            BadValue: it cannot be kept.
        """
        before = self._chats.get(chat.id)
        was_new = before is not None and before.is_new
        document = chat_document(chat)
        kept = chat_record(document)
        self._chats[chat.id] = Changed(kept, encode(document), is_new or was_new)
        return kept

    def page(self, chat_id: ChatId, user: UserKey, kind: Kind, number: int) -> Bits:
        """See `slysock_store.receipts.Records`."""
        key = (Owner(chat_id, user, kind), number)
        mine = self._pages.maybe_page(key)
        return self._batch.page(key) if mine is None else mine

    def pages(self, chat_id: ChatId, user: UserKey, kind: Kind, numbers: range) -> Mapping[int, Bits]:
        """See `slysock_store.receipts.Records`."""
        owner = Owner(chat_id, user, kind)
        self._batch.load_pages(owner, numbers)
        return {number: self.page(chat_id, user, kind, number) for number in numbers}

    def load_messages(self, message_ids: Iterable[MessageId]) -> None:
        """Read these messages, so that asking for them later costs nothing."""
        self._batch.load_messages(message_ids)

    def put_pages(self, chat_id: ChatId, user: UserKey, kind: Kind, pages: Mapping[int, Bits]) -> None:
        """See `slysock_store.receipts.Records`."""
        owner = Owner(chat_id, user, kind)
        self._pages.put.update({(owner, number): bits for number, bits in pages.items()})

    def clear_pages(self, chat_id: ChatId, user: UserKey, kind: Kind) -> None:
        """See `slysock_store.receipts.Records`."""
        self._pages.clear(Owner(chat_id, user, kind))

    def put_message(self, system: SystemName, message: Message, *, is_new: bool = False) -> Message:
        """Store a message as it is now; return it as its document will be read, without whom it has reached.

        Raises:
            BadValue: it cannot be kept.
        """
        document = message_document(system, message)
        kept = message_record(document)
        self._messages[message.id] = Changed(Known(system, kept), encode(document), is_new)
        return kept

    def settle(self) -> None:
        """Send what earlier writes have changed. Call this before querying or changing messages by commands."""
        self._batch.flush()

    def reading(self) -> Snapshot:
        """Return the collections for this write's own queries."""
        return self._batch.snapshot

    def direct(self) -> tuple[Collections, ClientSession]:
        """Return the collections for commands that change something. First check all that may refuse the write.

        Chats are never changed by commands: they are kept in memory until the transaction's end.
        """
        self._has_sent = True
        return self._batch.snapshot.collections, self._batch.snapshot.session

    def keep(self) -> None:
        """Hand what this write has changed over to the transaction."""
        for chat in self._chats.values():
            self._batch.keep_chat(chat)
        for message in self._messages.values():
            self._batch.keep_message(message)
        self._batch.keep_pages(self._pages)
