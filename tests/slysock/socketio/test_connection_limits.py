"""What one client may ask of a connection, and what is kept for it meanwhile."""

import re

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import ConnectionRefused, Router, Socket
from slysock.socketio.connection import Connection
from slysock.testing import Closed
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.socketio import JsonDecoder
from tests.slysock.serving import only_session, serving
from tests.slysock.socketio.test_connection import joined, texts

# ---- CONNECTs that come to nothing ----------------------------------------------------------------------------------


def hesitant(name: str = "/slow") -> Router:
    """A namespace that lets nobody in for ten seconds, and then nobody but who has a token."""
    router = Router(name)

    @router.use
    async def slow(socket: Socket) -> None:
        await trio.sleep(10)
        if "token" not in socket.handshake.auth:
            raise ConnectionRefused("no")

    return router


@pytest.mark.parametrize("packets", [(b"40/no,",), (b"40/slow,", b"41/slow,")], ids=["unknown", "taken back"])
async def test_the_eleventh_connect_that_comes_to_nothing_closes(
    packets: tuple[bytes, ...], autojump_clock: MockClock
) -> None:
    async with serving(Router(), hesitant()) as memory:
        engine = await joined(memory)
        for _ in range(10):
            for packet in packets:
                await engine.send(Outgoing(packet))
        await engine.send(Outgoing(b'421["unknown"]'))
        await engine.send(Outgoing(b"41"))
        assert memory.server.statistics().connections == 1
        await texts(engine, 10 if len(packets) == 1 else 0)
        for packet in packets:
            await engine.send(Outgoing(packet))
        with pytest.raises(Closed) as caught:
            await texts(engine, 2)
        assert caught.value.code == CloseCode.POLICY


async def test_a_namespace_that_is_asked_for_again_while_it_is_joining_starts_anew_ten_times(
    autojump_clock: MockClock,
) -> None:
    """A stock client that disconnects before it was let in says nothing of it."""
    async with serving(Router(), hesitant()) as memory:
        engine = await joined(memory)
        for _ in range(11):
            await engine.send(Outgoing(b'40/slow,{"token":1}'))
        assert (await texts(engine, 1))[0].startswith(b"0/slow,")
        engine = await joined(memory)
        for _ in range(12):
            await engine.send(Outgoing(b'40/slow,{"token":1}'))
        with pytest.raises(Closed) as caught:
            await engine.inbox.get()
        assert caught.value.code == CloseCode.POLICY


async def test_who_is_refused_every_now_and_then_stays(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await joined(memory)
        for _ in range(5):
            for _ in range(10):
                await engine.send(Outgoing(b"40/no,"))
            assert len(await texts(engine, 10)) == 10
            await trio.sleep(45)
        await engine.send(Outgoing(b'421["unknown"]'))
        assert memory.server.statistics().connections == 1


async def test_nothing_is_kept_for_a_namespace_that_has_refused(autojump_clock: MockClock) -> None:
    async with serving(Router(), hesitant()) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b"40/slow,"))
        assert (await texts(engine, 1))[0].startswith(b"4/slow,")
        await engine.send(Outgoing(b"4510-/slow,[]"))
        with pytest.raises(Closed) as caught:
            await engine.inbox.get()
        assert (caught.value.code, memory.server.statistics().left_namespaces) == (1002, 0)


async def test_late_attachments_for_a_namespace_that_sent_the_client_away_are_not_kept(
    autojump_clock: MockClock,
) -> None:
    room = Router("/room")

    @room.on("leave")
    def leave(socket: Socket) -> None:
        socket.disconnect()

    async with serving(Router(), room) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b"40/room,"))
        await engine.send(Outgoing(b'42/room,["leave"]'))
        await engine.send(Outgoing(b'452-/room,["x",{"_placeholder":true,"num":0}]', (b"x" * 100_000,)))
        await wait_all_tasks_blocked()
        above = only_session(memory)._above
        assert isinstance(above, Connection)
        assert isinstance(above._decoder, JsonDecoder)
        assert above._decoder._attachments == [b""]
        await engine.send(Outgoing(None, (b"y",)))
        await engine.send(Outgoing(b"40/room,"))
        assert (await texts(engine, 3))[-1].startswith(b"0/room,")


# ---- rooms and namespaces that clients name -------------------------------------------------------------------------


@pytest.mark.parametrize("hook", [False, True], ids=["in a handler", "in middleware"])
async def test_a_room_of_the_clients_choice_is_refused_in_plain_words(hook: bool, autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("join")
    def join(socket: Socket, room: str) -> None:
        socket.join(room)

    @root.use
    def enter(socket: Socket) -> None:
        socket.join("x" * (513 if hook else 512))

    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        if hook:
            assert (await texts(engine, 1))[0].startswith(b"4{")
        else:
            await engine.inbox.get()
            await engine.send(Outgoing(b'421["join","%b"]' % (b"x" * 512)))
            await engine.send(Outgoing(b'422["join","%b"]' % (b"x" * 513)))
            assert await texts(engine, 2) == [b"31[]", b'32[{"error":"room name too long"}]']


async def test_patterns_make_no_more_namespaces_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr("slysock.socketio.namespaces.MAX_MADE", 2)
    async with serving(Router(re.compile("/n.*"))) as memory:
        clients = [await memory.connect("/n1"), await memory.connect("/n2"), await memory.connect("/n1")]
        with pytest.raises(ConnectionRefused, match="Invalid namespace"):
            await memory.connect("/n3")
        await clients[1].disconnect()
        await wait_all_tasks_blocked()
        assert (await memory.connect("/n3")).id


# ---- decoded when its turn comes ------------------------------------------------------------------------------------


def slow_handler(log: list[object]) -> Router:
    router = Router()

    @router.on("slow")
    async def slow(socket: Socket, value: list[object]) -> None:
        await trio.sleep(1)
        log.append(value)

    @router.on("plain")
    def plain(socket: Socket, value: int) -> None:
        log.append(value)

    return router


async def test_what_waits_is_decoded_when_its_turn_comes(autojump_clock: MockClock) -> None:
    log: list[object] = []
    async with serving(slow_handler(log)) as memory:
        engine = await joined(memory)
        for text in (b'42["slow",[1]]', b'42["slow",[2]]', b'42["plain",3]', b'427["plain","x"]', b'42["slow",[4]]'):
            await engine.send(Outgoing(text))
        assert b"argument 1" in (await texts(engine, 1))[0], "behind those before it"
        assert log == [[1], [2], 3]
        await trio.sleep(5)
        assert log == [[1], [2], 3, [4]]


async def test_an_event_that_turns_out_to_be_none_ends_the_session_when_its_turn_comes(
    autojump_clock: MockClock,
) -> None:
    log: list[object] = []
    async with serving(slow_handler(log)) as memory:
        engine = await joined(memory)
        for text in (b'42["slow",[1]]', b'42["slow",[', b'42["plain",3]'):
            await engine.send(Outgoing(text))
        with pytest.raises(Closed) as caught:
            await engine.inbox.get()
        assert (caught.value.code, log) == (1002, [[1]])
