"""Messages in chats of two, below any event: what comes between the commit and the announcement; retries."""

from pathlib import Path
from typing import Final, cast, final

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.systems.domain import ConnectionKey, Draft, Invalid, Messages, Presence, Sent
from slysock.systems.domain.deliveries import Deliveries
from slysock_store import ChatKey, NewChat, Store, StoreBusy, StoreUnavailable, SystemName, UserKey
from tests.slysock.systems.domain.test_deliveries import Marks, Socket
from tests.store.sqlite_parts import open_parts

SYSTEM: Final = SystemName("marketplace")
ANNA, BEN = UserKey("anna"), UserKey("ben")
CHAT: Final = NewChat(kind="direct", key=ChatKey("c"), participants=(ANNA, BEN))
DRAFT: Final = Draft(chat=CHAT, sender=ANNA, recipient=BEN, text="hello", client_message_id="m")
pytestmark = [pytest.mark.port]  # stores on files, whose writer is a thread


@final
class Failing:
    """A store that can do nothing but add messages."""

    def __init__(self, store: Store, error: Exception) -> None:
        self._store = store
        self._error = error

    def __getattr__(self, name: str) -> object:
        if name == "add_message":
            return self._store.add_message
        raise self._error


@final
class Scene:
    """Messages of one system, and what is told."""

    def __init__(self, store: Store) -> None:
        self.listening = Presence()
        self.deliveries = Deliveries(Marks())
        self.messages = Messages(store, SYSTEM, online=Presence(), listening=self.listening, deliveries=self.deliveries)
        self.told: list[Sent] = []

    async def send(self, draft: Draft = DRAFT) -> bool:
        """Send; return whether the recipient is told."""
        await self.messages.send(draft, self.told.append)
        return self.told[-1].tell_recipient


@pytest.mark.parametrize("error", [StoreBusy(), StoreUnavailable("away"), AssertionError("nothing else is asked")])
@pytest.mark.parametrize("is_here", [True, False])
async def test_whatever_else_the_store_cannot_do_a_stored_message_is_announced(
    tmp_path: Path, error: Exception, is_here: bool
) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        scene = Scene(cast("Store", Failing(parts.store, error)))
        if is_here:
            scene.listening.arrive(BEN, ConnectionKey("1"))
        assert await scene.send()
        assert len(scene.told) == 1


async def test_one_that_comes_while_it_is_stored_is_told(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        scene = Scene(parts.store)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.send)
            await wait_all_tasks_blocked()
            scene.listening.arrive(BEN, ConnectionKey("1"))
        assert [sent.tell_recipient for sent in scene.told] == [True]
        assert scene.told[0].stored.message.delivered_to == ()


async def test_a_sender_who_is_cancelled_does_not_keep_it_from_being_announced(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        scene = Scene(parts.store)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.send)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert len(scene.told) == 1


async def test_a_retry_is_told_to_one_who_has_not_been_sent_it(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        scene, socket = Scene(parts.store), Socket("1")
        assert await scene.send()
        scene.listening.arrive(BEN, ConnectionKey("1"))
        assert await scene.send()
        message = scene.told[-1].stored.message
        scene.deliveries.sent(BEN, [socket], [message.id])
        assert not await scene.send(), "it is on its way"
        socket.tell(False)
        assert await scene.send(), "it was not received"
        await parts.store.mark_received(SYSTEM, BEN, [message.id])
        assert not await scene.send(), "it was"
        assert {sent.stored.message.id for sent in scene.told} == {message.id}


async def test_nobody_writes_to_oneself(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        with pytest.raises(Invalid):
            await Scene(parts.store).send(Draft(chat=CHAT, sender=ANNA, recipient=ANNA, text="hello"))
