"""Checks of receipts against a plain model, which keeps for every message whom it has reached and who has read it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import final

from slysock_store.models import (
    ChatChanges,
    ChatId,
    MarkedMessages,
    Message,
    MessageId,
    NewMessage,
    SystemName,
    UserKey,
)
from slysock_store.store import Store

from .harness import (
    ANNA,
    BEN,
    CARA,
    OpenStore,
    SettableClock,
    audit,
    between,
    expect,
    expect_equal,
)

DORA = UserKey("ADMIN:2")
STEPS = 120
STEPS_PER_CHECK = 20
SEEDS = (1, 2)


@final
@dataclass(slots=True)
class Kept:
    """A message as the model knows it."""

    message: Message
    delivered_to: set[UserKey]
    read_by: set[UserKey] = field(default_factory=set[UserKey])
    is_deleted: bool = False

    def waits_for(self, user: UserKey, reached: set[UserKey]) -> bool:
        """Tell whether it waits for a member who is not among those whom it has reached."""
        return not self.is_deleted and self.message.sender != user and user not in reached

    def read(self, user: UserKey) -> None:
        """Mark it as read, and so as delivered."""
        self.delivered_to.add(user)
        self.read_by.add(user)


@final
class Model:
    """Two chats, in which a few people write, read, delete and come and go by chance, and what must come of it."""

    def __init__(self, store: Store, clock: SettableClock, seed: int) -> None:
        self._store = store
        self._clock = clock
        self._random = Random(seed)  # noqa: S311 - the same steps each time, no secrets
        self._system = SystemName(f"model {seed}")
        self._members: dict[str, set[UserKey]] = {"1": {ANNA, BEN}, "2": {ANNA, BEN, CARA}}
        self._ids: dict[str, ChatId] = {}
        self._kept: dict[str, list[Kept]] = {"1": [], "2": []}  # by the key of the chat

    def kept(self, key: str) -> list[Kept]:
        """Return the messages of a chat, "1" or "2", oldest first."""
        return self._kept[key]

    async def begin(self) -> None:
        """Make the chats."""
        for key, members in self._members.items():
            made = await self._store.ensure_chat(self._system, between(*sorted(members), key=key))
            self._ids[key] = made.chat.id

    async def step(self) -> None:
        """Do one thing."""
        key = self._random.choice("12")
        steps: tuple[Callable[[str], Awaitable[None]], ...] = (
            *(self._send,) * 6,
            *(self._read_one,) * 4,
            *(self._delete,) * 2,
            *(self._receive,) * 2,
            self._take,
            self._read_all,
            self._deliver,
            self._add,
        )
        self._clock.move(self._random.choice((0, 1)))
        await self._random.choice(steps)(key)

    def _someone(self, key: str) -> UserKey:
        return self._random.choice(sorted(self._members[key]))

    def _join(self, key: str, user: UserKey) -> None:
        if user not in self._members[key]:
            self._members[key].add(user)
            for kept in self._kept[key]:
                if not kept.is_deleted:
                    kept.delivered_to.add(user)

    async def _send(self, key: str) -> None:
        sender = self._someone(key)
        there = tuple(user for user in sorted(self._members[key]) if self._random.random() < 0.3)
        new = NewMessage(sender=sender, text="x", delivered_to=there)
        message = (await self._store.add_message(self._system, self._ids[key], new)).message
        self._kept[key].append(Kept(message, {*there} - {sender}))
        expect_equal(set(message.delivered_to), self._kept[key][-1].delivered_to, "delivered at once")

    async def _read_one(self, key: str) -> None:
        if not self._kept[key]:
            return
        kept, reader = self._random.choice(self._kept[key]), self._someone(key)
        marked = await self._store.mark_read(self._system, self._ids[key], reader, message_id=kept.message.id)
        waited = kept.waits_for(reader, kept.read_by)
        expect_equal(marked.message_ids, (kept.message.id,) if waited else (), "one read")
        expect_equal(kept.message.sequence in marked.sequences, waited, "its number")
        if waited:
            kept.read(reader)

    async def _read_all(self, key: str) -> None:
        reader = self._random.choice((*sorted(self._members[key]), DORA))
        marked = await self._store.mark_read(self._system, self._ids[key], reader)
        self._join(key, reader)
        waited = [kept for kept in self._kept[key] if kept.waits_for(reader, kept.read_by)]
        self._expect_marked(key, marked, waited, reader)
        for kept in waited:
            kept.read(reader)

    async def _deliver(self, key: str) -> None:
        user = self._someone(key)
        marked = await self._store.mark_delivered(self._system, self._ids[key], user)
        waited = [kept for kept in self._kept[key] if kept.waits_for(user, kept.delivered_to)]
        self._expect_marked(key, marked, waited, user)
        for kept in waited:
            kept.delivered_to.add(user)

    def _expect_marked(self, key: str, marked: MarkedMessages, waited: list[Kept], user: UserKey) -> None:
        expect_equal(marked.count, len(waited), "marked")
        expect_equal(list(marked.message_ids), [kept.message.id for kept in reversed(waited)], "marked, newest first")
        there = {kept.message.sequence for kept in waited}
        for kept in self._kept[key]:
            if not kept.is_deleted and kept.message.sender != user:
                expect_equal(kept.message.sequence in marked.sequences, kept.message.sequence in there, "its number")

    async def _delete(self, key: str) -> None:
        if not self._kept[key]:
            return
        kept = self._random.choice(self._kept[key])
        deleted = await self._store.delete_message(self._system, kept.message.id, by=kept.message.sender)
        expect_equal(deleted.changed, not kept.is_deleted, "deleted")
        kept.is_deleted = True
        kept.delivered_to &= kept.read_by
        expect_equal(set(deleted.message.delivered_to), kept.read_by, "who has a receipt for it")

    async def _receive(self, _key: str) -> None:
        """Go through what waits page by page, and mark some of it."""
        user, limit = self._random.choice((ANNA, BEN, CARA)), self._random.choice((2, 5))
        waiting = self._waiting(user)
        before: MessageId | None = None
        listed: list[MessageId] = []
        while True:
            found = await self._store.list_undelivered(self._system, user, before=before, limit=limit)
            if not found.page.items:
                break
            expect_equal(found.page.total_records, len(waiting), "what waits")
            listed += [message.id for message in found.page.items]
            before = listed[-1]
        expect_equal(listed, [kept.message.id for kept in reversed(waiting)], "what waits, newest first")
        received = [kept for kept in waiting if self._random.random() < 0.5]
        count = await self._store.mark_received(self._system, user, [kept.message.id for kept in received])
        expect_equal(count, len(received), "received")
        for kept in received:
            kept.delivered_to.add(user)

    async def _take(self, _key: str) -> None:
        user, limit = self._random.choice((ANNA, BEN, CARA, DORA)), self._random.choice((1, 3, 20))
        waiting = self._waiting(user)
        taken = await self._store.take_undelivered(self._system, user, limit=limit)
        expect_equal(taken.page.total_records, len(waiting), "what waited")
        newest = waiting[::-1][:limit]
        expect_equal([m.id for m in taken.page.items], [kept.message.id for kept in newest], "what was taken")
        for kept in newest:
            kept.delivered_to.add(user)
        expect(all(user in message.delivered_to for message in taken.page.items), "marked in the same transaction")

    def _waiting(self, user: UserKey) -> list[Kept]:
        """Return what waits for a user, oldest first."""
        waiting = [kept for key in "12" for kept in self._kept[key] if self._waits(key, kept, user)]
        return sorted(waiting, key=lambda kept: (kept.message.created_at, kept.message.chat_id, kept.message.sequence))

    def _waits(self, key: str, kept: Kept, user: UserKey) -> bool:
        return user in self._members[key] and kept.waits_for(user, kept.delivered_to)

    async def _add(self, key: str) -> None:
        changes = ChatChanges(add_participants=(CARA,))
        await self._store.update_chat(self._system, self._ids[key], changes)
        self._join(key, CARA)

    async def check(self) -> None:
        """Compare every message and count."""
        for key, chat_id in self._ids.items():
            messages = await audit(self._store, chat_id, system=self._system)
            for kept, message in zip(self._kept[key], messages, strict=True):
                expect_equal(set(message.delivered_to), kept.delivered_to, f"who got {message.sequence}")
                expect_equal(set(message.read_by), kept.read_by, f"who read {message.sequence}")
            for message in messages[-3:]:
                found = await self._store.get_message(self._system, message.id)
                expect_equal(found, message, "alone as in the list")
            latest = await self._store.latest_messages(self._system, [chat_id], limit_each=3)
            expect_equal(latest.get(chat_id, ()), messages[::-1][:3], "as the latest")


async def check_receipts_agree_with_a_plain_model(open_store: OpenStore) -> None:
    """Whatever is sent, delivered, read, taken and deleted in whatever order, by members old and new."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        for seed in SEEDS:
            model = Model(store, clock, seed)
            await model.begin()
            for step in range(STEPS):
                await model.step()
                if (step + 1) % STEPS_PER_CHECK == 0:
                    await model.check()


CHECKS = (check_receipts_agree_with_a_plain_model,)
