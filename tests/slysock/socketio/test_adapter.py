"""The server's side of a namespace: commands are applied to its clients here, and offered to whoever listens."""

import pytest
import trio
from trio.testing import MockClock

from slysock import LocalProtocolError, Router, Server, Socket
from slysock.socketio.commands import Audience, Command, Disconnect, Emit, Join, Leave
from slysock.testing import Received
from tests.slysock.serving import adapter_of, logged, serving


class Listening:
    """Notes what it is offered."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, Command]] = []

    def performed(self, namespace: str, command: Command) -> None:
        self.offered.append((namespace, command))


async def test_what_is_said_to_many_is_offered_as_a_value_once_it_has_been_done_here(autojump_clock: MockClock) -> None:
    async with serving(Router("/chat")) as memory:
        client = await memory.connect("/chat")
        listener = Listening()
        adapter_of(memory, "/chat").listen(listener)
        namespace = memory.server.of("/chat")
        namespace.emit("all", 1)
        namespace.to("a", "b").except_("c").volatile.emit("some", b"2")
        namespace.to(client.id).join("d", "e")
        namespace.to("d").leave("e")
        namespace.to("d").disconnect(close=True)
        assert await client.expect("all") == (1,)
        assert await client.wait_disconnected(1) == "io server disconnect"
        assert listener.offered == [
            ("/chat", Emit(Audience(), "all", (1,))),
            ("/chat", Emit(Audience(("a", "b"), ("c",), volatile=True), "some", (b"2",))),
            ("/chat", Join(Audience((client.id,)), ("d", "e"))),
            ("/chat", Leave(Audience(("d",)), ("e",))),
            ("/chat", Disconnect(Audience(("d",)), close=True)),
        ]


async def test_what_a_socket_says_to_others_is_offered_and_what_is_said_to_it_alone_is_not(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router()) as memory:
        client, listener = await memory.connect(), Listening()
        adapter_of(memory).listen(listener)
        (socket,) = memory.server.of("/").sockets()
        socket.emit("alone")
        socket.join("room")
        socket.leave("room")
        socket.broadcast.emit("others")
        socket.to("room").emit("room")
        mine = Audience(excluded=(socket.id,))
        assert [command for _, command in listener.offered] == [
            Emit(mine, "others", ()),
            Emit(Audience(("room",), (socket.id,)), "room", ()),
        ]
        assert await client.expect("alone") == ()


async def test_an_event_that_cannot_be_encoded_is_offered_to_nobody(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        listener = Listening()
        adapter_of(memory).listen(listener)
        with pytest.raises(LocalProtocolError):
            memory.server.of("/").emit("event", object())
        assert listener.offered == []


async def test_applying_a_command_offers_it_to_nobody(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client, listener = await memory.connect(), Listening()
        adapter = adapter_of(memory)
        adapter.listen(listener)
        for command in (Join(Audience(), ("room",)), Emit(Audience(("room",)), "hello", ("you",))):
            adapter.apply(command)
        assert await client.expect("hello") == ("you",)
        adapter.apply(Leave(Audience(), ("room",)))
        assert adapter.find(Audience(("room",))) == []
        adapter.apply(Disconnect(Audience(), close=False))
        assert await client.wait_disconnected(1) == "io server disconnect"
        assert listener.offered == []


async def test_a_listener_that_sends_somebody_away_does_not_make_the_others_miss_an_event(
    autojump_clock: MockClock,
) -> None:
    root = Router()

    @root.on_any_outgoing
    def listen(socket: Socket, event: str, args: tuple[object, ...]) -> None:
        for other in socket.namespace.sockets()[1:]:
            other.disconnect()

    async with serving(root) as memory:
        first, second = await memory.connect(), await memory.connect()
        memory.server.of("/").emit("event")
        assert await first.next() == Received("event", ())
        assert await second.wait_disconnected(1) == "io server disconnect"
        assert second.waiting() == []


async def test_an_audience_is_asked_by_one_id_and_its_answers_are_gathered(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, adapter = [await memory.connect() for _ in range(2)], adapter_of(memory)
        answers: list[object] = []

        async def ask() -> None:
            answers.extend(await adapter.gather(Audience(), "question", (1,), 5))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            questions = [await client.next() for client in clients]
            assert len({question.ack_id for question in questions}) == 1
            for client, question in zip(clients, questions, strict=True):
                await client.acknowledge(question, client.id)
        assert answers == [client.id for client in clients]


async def test_a_gathering_that_is_cancelled_expects_nothing_any_more(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        await memory.connect()
        with trio.move_on_after(1):
            await adapter_of(memory).gather(Audience(), "question", (), 5)
        assert memory.server.statistics().awaited_acks == 0


async def test_a_client_is_found_by_its_id_as_long_as_it_is_in(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client, adapter = await memory.connect(), adapter_of(memory)
        target = adapter.get(client.id)
        assert target is not None
        assert target.socket.id == client.id
        assert adapter.get("nobody") is None
        target.disconnect(close=False)
        assert adapter.get(client.id) is None


async def test_a_listener_that_fails_costs_nobody_the_event(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()
    root.on_any_outgoing(lambda socket, event, args: 1 / 0)
    async with serving(root) as memory:
        client = await memory.connect()
        memory.server.of("/").emit("event")
        assert await client.expect("event") == ()
    assert logged(caplog) == [f"a listener to all outgoing events failed at 'event' for socket {client.id}"]


class Deaf:
    """Listens to commands, and fails at each."""

    def performed(self, namespace: str, command: Command) -> None:
        raise ValueError(namespace)


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_a_listener_to_commands_that_raises_is_logged_once_and_disturbs_nobody(
    caplog: pytest.LogCaptureFixture, is_elsewhere: bool
) -> None:
    async with serving(Router()) as memory:
        client, other = await memory.connect(), Listening()
        for listener in (Deaf(), other, Deaf()):
            adapter_of(memory).listen(listener)
        everybody = memory.server.of("/").to(client.id)

        def speak() -> None:
            everybody.emit("first")
            everybody.join("room")
            everybody.leave("room")
            everybody.emit("last")
            everybody.disconnect()

        if is_elsewhere:
            await trio.to_thread.run_sync(speak)
        else:
            speak()
        assert await client.expect("first") == ()
        assert await client.expect("last") == ()
        assert await client.wait_disconnected(5) == "io server disconnect"
        assert [type(command) for _, command in other.offered] == [Emit, Join, Leave, Emit, Disconnect]
    assert logged(caplog) == ["Deaf failed to take a command in '/'; it is logged only once"] * 2, "for each of them"


def test_a_server_without_listeners_has_nobody_to_offer_commands_to() -> None:
    Server(Router()).of("/").emit("event")  # to nobody, and nobody is told


async def test_each_client_gets_an_event_under_the_name_by_which_it_calls_the_namespace(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router("/chat")) as memory:
        names = ["/chat", "/chat?a=1", "/chat?b=2", "/chat?a=1"]
        clients = [await memory.connect(name) for name in names]
        memory.server.of("/chat").emit("event", b"data")
        assert [await client.expect("event") for client in clients] == [(b"data",)] * 4
