"""What the checks are written with: a clock to set, names, plain expectations, and the audit of a chat's counters."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias, final

from slysock_store.models import MAX_LIMIT, Chat, ChatId, ChatKey, Message, NewChat, NewMessage, SystemName, UserKey
from slysock_store.store import Store
from slysock_store.times import Clock

SYSTEM = SystemName("contract")
OTHER_SYSTEM = SystemName("another")
ANNA, BEN, CARA = UserKey("CUSTOMER:1"), UserKey("VENDOR:1"), UserKey("ADMIN:1")
START = datetime(2025, 6, 24, 14, 46, 2, 473_000, UTC)


class OpenStore(Protocol):
    """Opens the store under check. The place is empty at a check's first call and the same at later ones."""

    def __call__(self, *, clock: Clock) -> AbstractAsyncContextManager[Store]:
        """Return the store, to be opened and closed by `async with`."""
        ...


Check: TypeAlias = Callable[[OpenStore], Awaitable[None]]


@final
class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def move(self, seconds: float) -> None:
        """Move the clock forward, or back if negative."""
        self.now += timedelta(seconds=seconds)


def expect_equal(found: object, wanted: object, what: str) -> None:
    """Fail the check unless both are equal."""
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def expect(condition: bool, what: str) -> None:
    """Fail the check unless the condition holds."""
    if not condition:
        raise AssertionError(what)


@contextmanager
def expect_raises(error: type[Exception]) -> Generator[None, None, None]:
    """Fail the check unless the block raises this error."""
    try:
        yield
    except error:
        return
    raise AssertionError(f"nothing raised, wanted {error.__name__}")


def between(*users: UserKey, key: str = "12345:1:1") -> NewChat:
    """Describe a new chat between these participants."""
    return NewChat(kind="product", key=ChatKey(key), participants=users, reference=12345)


def said(sender: UserKey, text: str = "hello", *, client_message_id: str | None = None) -> NewMessage:
    """Describe a new message."""
    return NewMessage(sender=sender, text=text, client_message_id=client_message_id)


async def send(store: Store, *senders: UserKey, chat: ChatId | NewChat | None = None) -> tuple[Message, ...]:
    """Send one message per name, in this order, to Anna and Ben's chat or the given one."""
    target = between(ANNA, BEN) if chat is None else chat
    return tuple([(await store.add_message(SYSTEM, target, said(sender))).message for sender in senders])


async def chat_of(store: Store, message: Message) -> Chat:
    """Return a message's chat as it is now."""
    chat = await store.get_chat(SYSTEM, message.chat_id)
    if chat is None:
        raise AssertionError("the chat of a stored message is gone")
    return chat


async def history(store: Store, chat_id: ChatId, *, system: SystemName = SYSTEM) -> tuple[Message, ...]:
    """Return all messages of a chat, oldest first, through its pages."""
    messages: list[Message] = []
    page = 1
    while True:
        found = await store.list_messages(system, chat_id, page=page, limit=MAX_LIMIT)
        messages.extend(found.items)
        if not found.has_next:
            return tuple(reversed(messages))
        page += 1


async def audit(store: Store, chat_id: ChatId, *, system: SystemName = SYSTEM) -> tuple[Message, ...]:
    """Check everything that must agree within a chat; return its messages, oldest first."""
    chat = await store.get_chat(system, chat_id)
    if chat is None:
        raise AssertionError("no chat to audit")
    messages = await history(store, chat_id, system=system)
    expect_equal([m.sequence for m in messages], list(range(1, chat.last_sequence + 1)), "sequence without gaps")
    expect_equal(sum(not m.is_deleted for m in messages), chat.message_count, "message_count")
    times = [message.created_at for message in messages]
    expect_equal(times, sorted(times), "times in the order of sequence")
    expect_equal(chat.last_message_at, times[-1] if times else None, "last_message_at")
    for member in chat.members:
        expect_equal(member.unread, _unread(messages, member.user), f"unread of {member.user}")
    return messages


def _unread(messages: tuple[Message, ...], user: UserKey) -> int:
    return sum(1 for m in messages if not m.is_deleted and m.sender != user and user not in m.read_by)
