"""How much clients and users may send: what passes, what whoever sends more is told, and that nobody else notices."""

import math
import re

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, RateLimited, Router, Server, Socket
from slysock.config import TransportName
from slysock.engineio.buckets import Rate
from slysock.socketio.allowance import Allowance, ClientRates, Rates
from slysock.telemetry import Metrics
from slysock.testing import Closed, Memory, MemoryClient, serve_memory
from slysock_protocol.engineio import SEPARATOR
from tests.slysock.serving import both, check_nothing_remains, logged, serving
from tests.slysock.socketio.ledger import Ledger
from tests.slysock.telemetry.rendering import values_in

MANY = 1_000_000_000


def make_router(*, names_users: bool = False) -> Router:
    root = Router()
    root.on("echo")(lambda socket, value: value)
    root.on("tell")(lambda socket, value: socket.broadcast.emit("told", value))
    if names_users:

        @root.use
        def whose(socket: Socket) -> None:
            user = socket.handshake.auth.get("user")
            if isinstance(user, str | int):
                socket.set_user(user)

    return root


def config_of(
    *, events: int = MANY, size: int = MANY, joins: int = MANY, user: bool = False, seconds: float = 10
) -> Config:
    """Bound clients, or users, and nothing else."""
    client = (MANY, MANY, MANY) if user else (events, size, joins)
    users = (events, size, joins) if user else (MANY, MANY, MANY)
    return Config(
        client_events_per_second=client[0],
        client_bytes_per_second=client[1],
        client_joins_per_second=client[2],
        user_events_per_second=users[0],
        user_bytes_per_second=users[1],
        user_joins_per_second=users[2],
        burst_seconds=seconds,
    )


async def connect(
    memory: Memory, user: str | int | None = None, transport: TransportName = "websocket"
) -> MemoryClient:
    return await memory.connect(auth={} if user is None else {"user": user}, transport=transport)


def retry_after(answer: object, what: str = "events") -> float:
    assert isinstance(answer, dict)
    assert answer["error"] == f"Too many {what}, try again later"
    seconds: object = answer["retryAfter"]
    assert isinstance(seconds, float | int)
    return seconds


# ---- events of a client ---------------------------------------------------------------------------------------------


@both
async def test_a_client_that_keeps_to_its_rate_is_never_refused(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(make_router(), config=config_of(events=5)) as memory:
        client = await connect(memory, transport=transport)
        for number in range(200):
            assert await client.call("echo", number) == number
            await trio.sleep(0.2)
        for number in range(50):
            assert await client.call("echo", number) == number


@both
async def test_past_its_burst_a_client_is_told_when_to_come_again(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(make_router(), config=config_of(events=5)) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        client = await connect(memory, transport=transport)
        for number in range(50):
            assert await client.call("echo", number) == number
        seconds = retry_after(await client.call("echo", "too much"))
        assert seconds == pytest.approx(0.4, abs=0.002), "its own place and that of the one that was refused"
        assert [(record.reason, record.detail) for record in ledger.records] == [
            ("event rate", "too many events of the client; see client_events_per_second")
        ]
        await trio.sleep(seconds)
        assert await client.call("echo", "again") == "again"
        assert retry_after(await client.call("echo", "too much")) > 0


async def test_who_goes_on_for_another_burst_is_disconnected(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, other = make_router(), Router("/other")
    left = list[str]()
    root.on_disconnect(lambda socket, reason: left.append(reason))
    async with serving(root, other, config=config_of(events=5)) as memory:
        honest = await connect(memory)
        client = await connect(memory)
        elsewhere = await client.connection.join("/other")
        for number in range(50):
            await client.call("echo", number)
        for _ in range(50):
            retry_after(await client.call("echo", "too much"))
        await client.emit("echo", "too much")
        assert await client.wait_disconnected(1) == "io server disconnect", (
            "stock clients do not come back by themselves"
        )
        assert await elsewhere.wait_disconnected(1) == "io server disconnect"
        assert left == ["server namespace disconnect"]
        assert await honest.call("echo", "here") == "here"
    assert logged(caplog) == []


async def test_a_client_in_many_namespaces_has_what_one_in_one_has(autojump_clock: MockClock) -> None:
    many = Router(re.compile("/room-.+"))
    many.on("echo")(lambda socket, value: value)

    @many.use
    def whose(socket: Socket) -> None:
        socket.set_user(5)

    config = msgspec.structs.replace(Config(), max_namespaces=200)
    async with serving(make_router(), many, config=config) as memory:
        client = await connect(memory)
        rooms = [await client.connection.join(f"/room-{number}") for number in range(150)]
        for room in rooms:
            assert await room.call("echo", 1) == 1
        for number in range(4500):
            assert await rooms[0].call("echo", number) == number


async def test_the_namespaces_of_a_connection_share_its_rate(autojump_clock: MockClock) -> None:
    other = Router("/other")
    other.on("echo")(lambda socket, value: value)
    async with serving(make_router(), other, config=config_of(events=1)) as memory:
        client = await connect(memory)
        elsewhere = await client.connection.join("/other")
        for number in range(5):
            assert await client.call("echo", number) == await elsewhere.call("echo", number)
        assert retry_after(await client.call("echo", 0)) > 0
        assert retry_after(await elsewhere.call("echo", 0)) > 0


async def test_what_is_refused_reaches_nobody(autojump_clock: MockClock) -> None:
    heard = list[str]()
    root = make_router()
    root.on_any(lambda socket, event, args: heard.append(event))
    async with serving(root, config=config_of(events=1)) as memory:
        client, other = await connect(memory), await connect(memory)
        for number in range(15):
            await client.call("tell", number)
        await wait_all_tasks_blocked()
        assert [received.args for received in other.waiting()] == [(number,) for number in range(10)]
        assert heard == ["tell"] * 10


@both
async def test_seven_hundred_events_kept_while_a_client_was_offline_pass_under_the_default_limits(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    received = list[int]()
    root = make_router(names_users=True)

    @root.on("late")
    async def late(socket: Socket, number: int) -> None:
        await trio.lowlevel.checkpoint()
        received.append(number)

    async with serving(root) as memory:
        client = await connect(memory, 5, transport)
        packets = [b'42["late",%d]' % number for number in range(700)]
        if transport == "polling":
            target = f"/socket.io/?EIO=4&transport=polling&sid={memory.server._front.engine.sessions.all()[0].id}"
            answer = await memory.request("POST", target, body=SEPARATOR.join(packets))
            assert answer.body == b"ok"
        else:
            for number in range(700):
                await client.emit("late", number)
        await trio.sleep(1)
        assert received == list(range(700))
        assert client.waiting() == []


# ---- what is told ---------------------------------------------------------------------------------------------------


async def test_the_error_hook_gives_the_shape(autojump_clock: MockClock) -> None:
    root, other = make_router(), Router()

    @root.on_error
    def answer(socket: Socket, event: str, error: Exception) -> object:
        assert isinstance(error, RateLimited)
        socket.emit("slow down", event)
        return {"wait": math.ceil(error.retry_after_seconds), "of": error.what}

    other.on("other")(lambda socket: None)
    async with serving(root, other, config=config_of(events=1, seconds=1)) as memory:
        client = await connect(memory)
        assert await client.call("echo", 1) == 1
        assert await client.call("echo", 2) == {"wait": 2, "of": "events"}
        assert await client.expect("slow down") == ("echo",)
        await trio.sleep(3)
        assert await client.call("other") is None
        assert retry_after(await client.call("other")) == 2, "a router without a hook, on the same namespace"


async def test_a_name_that_has_to_be_decoded_is_answered_too_and_an_unknown_one_is_not(
    autojump_clock: MockClock,
) -> None:
    async with serving(make_router(), config=config_of(events=1, seconds=3)) as memory:
        client = await connect(memory)
        for number in range(3):
            await client.call("echo", number)
        ledger = Ledger()
        memory.server.observe(ledger)
        await client.connection.engine.send(client._parser.event("/", "unknown", (), 900))
        retry_after(await client.call(b"\\u0065cho".decode("unicode_escape"), 0))
        assert [record.reason for record in ledger.records] == ["event rate"] * 2


async def test_refusals_are_counted_by_reason_and_errors_by_kind(autojump_clock: MockClock) -> None:
    server, metrics = Server(make_router(), config=config_of(events=1, size=300, joins=1, seconds=5)), Metrics()
    server.observe(metrics)
    async with serve_memory(server) as memory:
        client = await connect(memory)
        for number in range(7):
            await client.call("echo", number)
        await trio.sleep(30)
        for _ in range(2):
            await client.call("echo", "x" * 1000)
        for _ in range(6):
            with pytest.raises(ConnectionRefused):
                await client.connection.join("/nowhere")
    found = values_in(metrics.render())
    assert found['slysock_refusals_total{reason="event rate"}'] == 2
    assert found['slysock_refusals_total{reason="byte rate"}'] == 1
    assert found['slysock_refusals_total{reason="join rate"}'] == 1
    assert found['slysock_errors_total{kind="RateLimited",namespace="/"}'] == 3
    check_nothing_remains(server)


# ---- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [False, True])
@both
async def test_bytes_are_counted_as_events_are(autojump_clock: MockClock, transport: TransportName, user: bool) -> None:
    config = config_of(size=10_000, user=user)
    async with serving(make_router(names_users=True), config=config) as memory:
        client = await connect(memory, 5, transport)
        for _ in range(9):
            assert await client.call("echo", "x" * 11_000) is not None  # its size and that of the rest of the event
        answer = await client.call("echo", "x" * 11_000)
        seconds = retry_after(answer, "bytes")
        assert seconds == pytest.approx(2.1, abs=0.05)
        await trio.sleep(seconds)
        assert await client.call("echo", "x" * 11_000) == "x" * 11_000


async def test_attachments_are_bytes(autojump_clock: MockClock) -> None:
    root = make_router()
    root.on("file")(lambda socket, data: len(data))
    async with serving(root, config=config_of(size=10_000)) as memory:
        client = await connect(memory)
        for _ in range(9):
            assert await client.call("file", b"x" * 11_000) == 11_000
        assert retry_after(await client.call("file", b"x" * 11_000), "bytes") > 0


async def test_a_message_that_is_larger_than_what_may_come_at_once_passes_when_nothing_else_came(
    autojump_clock: MockClock,
) -> None:
    async with serving(make_router(), config=config_of(size=1000)) as memory:
        client = await connect(memory)
        for _ in range(3):
            assert await client.call("echo", "x" * 50_000) == "x" * 50_000
            await trio.sleep(10)
        await client.call("echo", "x" * 50_000)
        seconds = retry_after(await client.call("echo", "x" * 50_000), "bytes")
        assert seconds == pytest.approx(20, abs=0.1), "until it is paid for, and may come again"


# ---- joins ----------------------------------------------------------------------------------------------------------


@both
async def test_a_client_that_joins_too_often_is_told_so_and_then_disconnected(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(make_router(), config=config_of(joins=1)) as memory:
        client = await connect(memory, transport=transport)
        for _ in range(9):
            with pytest.raises(ConnectionRefused, match="Invalid namespace"):
                await client.connection.join("/nowhere")
        for count in range(10):
            with pytest.raises(ConnectionRefused, match="Too many joins, try again later") as caught:
                await client.connection.join("/nowhere")
            assert caught.value.data == {"retryAfter": count + 2}
        assert await client.call("echo", 1) == 1
        with pytest.raises(ConnectionRefused, match="Too many joins"):
            await client.connection.join("/nowhere")
        assert await client.wait_disconnected(1) == "io server disconnect"


@pytest.mark.parametrize("place", ["middleware", "connect hook", "event"])
async def test_a_user_that_joins_too_often_is_kept_out(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    root = Router()

    def whose(socket: Socket) -> None:
        user = socket.handshake.auth["user"]
        assert isinstance(user, str)
        socket.set_user(user)
        socket.set_user(user)  # says nothing new
        assert socket.user == user

    if place == "middleware":
        root.use(whose)
    elif place == "connect hook":
        root.on_connect(whose)
    root.on("echo")(lambda socket, value: value)
    root.on("late")(whose)
    ledger = Ledger()
    async with serving(root, config=config_of(joins=1, user=True)) as memory:
        memory.server.observe(ledger)

        async def join(user: str) -> object:
            client = await connect(memory, user)
            if place == "event":
                return await client.call("late")
            return await client.call("echo", None, timeout=1)

        for _ in range(10):
            assert await join("a") is None
        if place == "middleware":
            with pytest.raises(ConnectionRefused, match="Too many joins") as caught:
                await join("a")
            assert caught.value.data == {"retryAfter": 2}
        elif place == "connect hook":
            client = await connect(memory, "a")
            assert await client.wait_disconnected(1) == "io server disconnect"
        else:
            assert retry_after(await join("a"), "joins") == 2
        assert await join("b") is None
        assert [record.reason for record in ledger.records] == ["join rate"]
    assert logged(caplog) == []


async def test_the_connection_of_a_user_who_goes_on_joining_is_closed(autojump_clock: MockClock) -> None:
    async with serving(make_router(names_users=True), config=config_of(joins=1, user=True)) as memory:
        connections = [await memory.open_connection() for _ in range(21)]
        for connection in connections[:10]:
            await connection.join(auth={"user": "a"})
        for connection in connections[10:]:
            with pytest.raises(ConnectionRefused, match="Too many joins"):
                await connection.join(auth={"user": "a"})
        await wait_all_tasks_blocked()
        closed = [connection.engine.inbox.closed is not None for connection in connections]
        assert closed == [False] * 20 + [True]


# ---- users ----------------------------------------------------------------------------------------------------------


@both
async def test_two_clients_of_one_user_share_what_is_the_users(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(make_router(names_users=True), config=config_of(events=1, user=True)) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        one, two = await connect(memory, "5", transport), await connect(memory, 5, transport)
        other, nobody = await connect(memory, 6, transport), await connect(memory, None, transport)
        for number in range(5):
            assert await one.call("echo", number) == await two.call("echo", number)
        assert retry_after(await one.call("echo", 0)) == 2
        assert retry_after(await two.call("echo", 0)) == 3
        assert {record.detail for record in ledger.records} == {
            "too many events of the user; see user_events_per_second"
        }
        for number in range(10):
            assert await other.call("echo", number) == await nobody.call("echo", number)


async def test_reconnecting_does_not_refill_a_users_bucket(autojump_clock: MockClock) -> None:
    async with serving(make_router(names_users=True), config=config_of(events=1, user=True)) as memory:
        for number in range(10):
            client = await connect(memory, 5)
            assert await client.call("echo", number) == number
            await client.disconnect()
        client = await connect(memory, 5)
        assert retry_after(await client.call("echo", 0)) == 2
        await client.disconnect()
        await trio.sleep(2)
        client = await connect(memory, 5)
        assert await client.call("echo", 1) == 1


async def test_what_a_client_has_paid_for_in_advance_counts_for_its_user_from_then_on(
    autojump_clock: MockClock,
) -> None:
    root = make_router()
    root.on("login")(lambda socket, user: socket.set_user(user))
    config = config_of(events=1, user=True)
    async with serving(root, config=config) as memory:
        client = await connect(memory)
        for number in range(100):
            assert await client.call("echo", number) == number
        await client.call("login", "a")
        for number in range(10):
            assert await client.call("echo", number) == number
        assert retry_after(await client.call("echo", 0)) > 0


# ---- paying in advance ----------------------------------------------------------------------------------------------


def takes(allowance: Allowance) -> bool:
    """Take an event of one byte, as a connection does."""
    allowance.events -= 1
    allowance.bytes -= 1
    return (allowance.events >= 0 and allowance.bytes >= 0) or allowance.renew(1) is None


async def test_no_more_than_a_burst_passes_and_as_good_as_all_of_it(autojump_clock: MockClock) -> None:
    rates = Rates(Config(client_events_per_second=1000, burst_seconds=1))
    allowances = [Allowance(ClientRates(rates), None) for _ in range(2)]
    assert [sum(takes(allowance) for _ in range(3000)) for allowance in allowances] == [1000, 1000]


async def test_a_hundred_clients_of_a_user_do_not_take_it_all_in_advance(autojump_clock: MockClock) -> None:
    rates = Rates(Config(user_events_per_second=500, burst_seconds=10))
    allowances = [Allowance(ClientRates(rates), "5") for _ in range(101)]
    assert all(takes(allowance) for allowance in allowances)
    assert sum(takes(allowances[0]) for _ in range(5000)) > 2000
    for allowance in allowances:
        allowance.give_back()


async def test_what_a_client_did_not_use_is_its_users_again_when_it_leaves(autojump_clock: MockClock) -> None:
    rates = Rates(Config(user_events_per_second=500, burst_seconds=10))
    for _ in range(2000):
        allowance = Allowance(ClientRates(rates), "5")
        assert takes(allowance)
        allowance.give_back()
    rest = Allowance(ClientRates(rates), "5")
    assert sum(takes(rest) for _ in range(9999)) == 3000


def test_a_rate_says_what_a_full_bucket_holds() -> None:
    rates = Rates(Config(user_events_per_second=7, burst_seconds=3))
    assert rates.of_users["events"].rate == Rate(per_second=7, burst_seconds=3)
    assert rates.of_users["events"].rate.burst == 21


async def test_an_event_before_the_client_is_in_breaks_the_protocol_as_ever(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    async def wait(socket: Socket) -> None:
        await trio.sleep_forever()

    async with serving(root, config=config_of(events=1)) as memory:
        connection = await memory.open_connection()
        await connection.engine.send(connection.parser.event("/", "x", ()))
        await wait_all_tasks_blocked()
        assert isinstance(connection.engine.inbox.closed, Closed)
