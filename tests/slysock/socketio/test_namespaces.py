"""Namespaces with a name, and those that patterns make on demand."""

import re

import pytest
import trio
from trio.testing import MockClock

from slysock import Config, ConnectionRefused, Router, Socket
from slysock.config import ParserName
from slysock.engineio.timers import Timers
from slysock.socketio.loop import Loop
from slysock.socketio.namespaces import Namespaces
from slysock.socketio.observer import Observers
from slysock.testing import MemoryClient, Received
from slysock_protocol.socketio import PARSERS
from tests.slysock.serving import serving

NAMES: list[ParserName] = ["json", "msgpack"]


async def test_a_namespace_of_a_pattern_lives_as_long_as_somebody_is_in_it(autojump_clock: MockClock) -> None:
    pattern, named = Router(re.compile(r"/dyn-\d+")), Router("/dyn-7")
    pattern.on("where")(lambda socket: socket.namespace.name)
    named.on("where")(lambda socket: "the named one")
    async with serving(pattern, named) as memory:
        one, other = await memory.connect("/dyn-1"), await memory.connect("/dyn-1")
        assert await one.call("where") == "/dyn-1"
        assert await (await memory.connect("/dyn-7")).call("where") == "the named one"
        memory.server.of("/dyn-1").emit("both")
        assert await one.expect("both") == await other.expect("both") == ()
        for refused in ("/dyn-", "/dyn-1x", "/x/dyn-1"):
            with pytest.raises(ConnectionRefused):
                await memory.connect(refused)
        await one.disconnect()
        await trio.sleep(1)
        assert len(memory.server.of("/dyn-1").sockets()) == 1
        await other.connection.engine.drop()
        await trio.sleep(1)
        assert memory.server.statistics().made_namespaces == 0


async def test_a_namespace_of_a_pattern_lives_as_long_as_somebody_holds_an_audience_of_it(
    autojump_clock: MockClock,
) -> None:
    root = Router(re.compile("/chat-.*"))
    async with serving(root) as memory:
        room = memory.server.of("/chat-1").to("room")
        client = await memory.connect("/chat-1")
        (socket,) = memory.server.of("/chat-1").sockets()
        assert socket.namespace is memory.server.of("/chat-1")
        socket.join("room")
        room.emit("hello")
        assert await client.expect("hello") == ()
        assert memory.server.statistics().made_namespaces == 1
        del room, socket


def make_chat() -> Router:
    chat = Router("/chat")
    chat.on("where")(lambda socket: socket.namespace.name)

    @chat.on("all")
    def tell_all(socket: Socket, value: object) -> None:
        socket.namespace.emit("news", value)

    @chat.on("others")
    def tell_others(socket: Socket) -> None:
        socket.broadcast.emit("news", 1)

    @chat.on("me")
    def tell_me(socket: Socket, value: object) -> None:
        socket.emit("news", value)

    @chat.on("ask")
    async def ask(socket: Socket) -> object:
        return await socket.call("question"), sorted(map(str, await socket.namespace.call("question")))

    @chat.on("leave")
    def leave(socket: Socket) -> None:
        socket.disconnect()

    return chat


async def answer(client: MemoryClient, value: str) -> None:
    while True:
        await client.acknowledge(await client.next(), value)


@pytest.mark.parametrize("parser", NAMES)
@pytest.mark.parametrize("name", ["/chat", "/chat?x=1", "/chat?", "/chat?a=b&c=?"])
async def test_whoever_puts_a_query_behind_a_name_gets_all_answers_under_the_name_that_it_sent(
    parser: ParserName, name: str, autojump_clock: MockClock
) -> None:
    """The clients of slysock.testing take what comes under another name for a mistake, as stock clients drop it."""
    async with serving(make_chat(), config=Config(parser=parser)) as memory:
        client, plain = await memory.connect(name), await memory.connect("/chat")
        assert await client.call("where") == "/chat"
        await client.emit("all", b"1")
        assert [await client.next(), await plain.next()] == [Received("news", (b"1",))] * 2
        await plain.emit("others")
        await client.emit("me", b"2")
        assert [await client.next(), await client.next()] == [Received("news", (1,)), Received("news", (b"2",))]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, client, "one")
            nursery.start_soon(answer, plain, "other")
            asked = await client.call("ask")
            nursery.cancel_scope.cancel()
        assert asked == ("one", ["one", "other"])
        await client.emit("leave")
        assert await client.wait_disconnected(1) == "io server disconnect"
        await plain.emit("all", 3)
        assert await plain.next() == Received("news", (3,))
        again = await client.connection.join(name)
        await again.disconnect()
        await trio.testing.wait_all_tasks_blocked()
        assert memory.server.statistics().clients == {"/chat": 1}


@pytest.mark.parametrize("parser", NAMES)
@pytest.mark.parametrize("name", ["/nope?x=1", "/nope?", "/chats?x", "/?x=1", "/chat/?x"])
async def test_a_refusal_comes_under_the_name_that_was_sent(
    parser: ParserName, name: str, autojump_clock: MockClock
) -> None:
    async with serving(make_chat(), config=Config(parser=parser)) as memory:
        with pytest.raises(ConnectionRefused, match=r"^Invalid namespace$"):
            await memory.connect(name)


@pytest.mark.parametrize("parser", NAMES)
async def test_a_refusal_by_middleware_does_so_too(parser: ParserName, autojump_clock: MockClock) -> None:
    chat = make_chat()

    @chat.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no", {"namespace": socket.namespace.name})

    async with serving(chat, config=Config(parser=parser)) as memory:
        with pytest.raises(ConnectionRefused, match=r"^no$") as caught:
            await memory.connect("/chat?x=1")
        assert caught.value.data == {"namespace": "/chat"}


async def test_a_name_with_a_question_mark_goes_before_a_query(autojump_clock: MockClock) -> None:
    named, pattern = Router("/chat?x=1"), Router(re.compile(r"/rooms/.+"))
    named.on("where")(lambda socket: "the odd one")
    pattern.on("where")(lambda socket: socket.namespace.name)
    async with serving(make_chat(), named, pattern) as memory:
        assert await (await memory.connect("/chat?x=1")).call("where") == "the odd one"
        assert await (await memory.connect("/chat?x=2")).call("where") == "/chat"
        assert await (await memory.connect("/rooms/1?x=1")).call("where") == "/rooms/1?x=1"


async def test_a_namespace_of_a_pattern_is_found_behind_a_query(autojump_clock: MockClock) -> None:
    pattern = Router(re.compile(r"/dyn-\d+"))
    pattern.on("where")(lambda socket: socket.namespace.name)
    async with serving(pattern) as memory:
        client = await memory.connect("/dyn-1?token=x")
        assert await client.call("where") == "/dyn-1"
        await client.disconnect()
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert memory.server.statistics().made_namespaces == 0


async def test_one_connection_may_be_in_a_namespace_by_two_names(autojump_clock: MockClock) -> None:
    async with serving(make_chat()) as memory:
        plain = await memory.connect("/chat")
        other = await plain.connection.join("/chat?x=1")
        await plain.emit("all", 1)
        assert [await plain.next(), await other.next()] == [Received("news", (1,))] * 2
        assert plain.id != other.id
        await other.disconnect()
        await plain.emit("all", 2)
        assert await plain.next() == Received("news", (2,))


def test_a_namespace_that_nobody_wrote_a_router_for_is_not_found_and_others_only_once() -> None:
    namespaces = Namespaces(
        [Router("/named"), Router(re.compile("/made-.*"))], PARSERS["json"](), Observers(), loop=Loop(), timers=Timers()
    )
    assert namespaces.find("/nowhere") is None
    for name in ("/named", "/made-1"):
        found = namespaces.find(name)
        assert found is not None
        assert found.namespace.name == found.adapter.name == name
        assert namespaces.find(name) == found
    assert [namespace.name for namespace in namespaces.named()] == ["/named"]
