"""How often clients of one address may come, and how often they may be refused."""

from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, EngineHooks, Refusal, RefusedRequest, Router, Socket
from slysock.config import TransportName
from slysock.testing import Closed, Memory, MemoryClient
from tests.slysock.serving import both, serving
from tests.slysock.socketio.ledger import Ledger

PROXY = "192.0.2.1"  # where all clients in memory come from

FEW = Config(
    address_handshakes_per_second=1,
    address_refused_logins_per_second=1,
    burst_seconds=3,
    trusted_proxies=[PROXY],
)


async def connect(
    memory: Memory, address: str, *, transport: TransportName = "websocket", token: str = "good"
) -> MemoryClient:
    headers = [("x-forwarded-for", address)]
    return await memory.connect(transport=transport, headers=headers, auth={"token": token})


async def retry_after(memory: Memory, address: str) -> int:
    target = "/socket.io/?EIO=4&transport=polling"
    answer = await memory.request("GET", target, headers=[("x-forwarded-for", address)])
    assert answer.status == 429
    return int(answer.headers["retry-after"])


@both
@pytest.mark.parametrize("others", [["198.51.100.8"], ["2001:db8:0:2::1"]])
async def test_new_sessions_of_an_address_are_few_at_once_and_others_notice_nothing(
    autojump_clock: MockClock, transport: TransportName, others: list[str]
) -> None:
    same = ["198.51.100.7"] * 4 if "." in others[0] else [f"2001:db8:0:1::{host}" for host in range(4)]
    async with serving(Router(), config=FEW) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        for address in same[:3]:
            await connect(memory, address, transport=transport)
        with pytest.raises(Closed) as caught:
            await connect(memory, same[3], transport=transport)
        assert caught.value.code == 429
        assert await retry_after(memory, same[3]) == 1
        assert [record.reason for record in ledger.records] == ["handshake rate"] * 2
        for address in others * 3:
            await connect(memory, address, transport=transport)
        await trio.sleep(0.9)
        assert await retry_after(memory, same[3]) == 1, "what was refused has cost nothing"
        await trio.sleep(0.1)
        await connect(memory, same[3], transport=transport)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", PROXY])
async def test_sessions_from_here_and_of_the_proxy_itself_are_not_counted(
    autojump_clock: MockClock, address: str
) -> None:
    async with serving(Router(), config=FEW) as memory:
        for _ in range(10):
            await connect(memory, address)


async def test_requests_of_a_session_that_is_open_are_not_counted(autojump_clock: MockClock) -> None:
    root = Router()
    root.on("echo")(lambda socket, text: text)
    async with serving(root, config=FEW) as memory:
        client = await connect(memory, "198.51.100.7", transport="polling")
        for number in range(20):
            assert await client.call("echo", number) == number


async def test_hooks_hear_of_a_session_that_came_too_early_and_are_not_asked(autojump_clock: MockClock) -> None:
    hooks, asked, told = EngineHooks(), list[bool](), list[RefusedRequest]()
    hooks.allow_request(lambda request: asked.append(True))
    hooks.on_connection_error(told.append)
    async with serving(Router(), config=FEW, hooks=hooks) as memory:
        for _ in range(3):
            await connect(memory, "198.51.100.7")
        assert await retry_after(memory, "198.51.100.7") == 1
    assert len(asked) == 3
    assert [(each.status, each.reason) for each in told] == [(429, "handshake rate")]


# ---- refused logins -------------------------------------------------------------------------------------------------


def door(how: str) -> Router:
    """Let only good tokens in."""
    root = Router()

    def gate(socket: Socket) -> bool | None:
        if socket.handshake.auth["token"] == "good":
            return None
        match how:
            case "middleware":
                raise ConnectionRefused("who?")
            case "connect hook":
                raise Refusal("who?")
            case "report":
                socket.report_refusal("token", "bad")
                socket.disconnect()
                return None
            case _:
                return False

    if how in ("middleware", "false"):
        root.use(gate)
    else:
        root.on_connect(gate)
    return root


async def is_closed(memory: Memory, address: str, transport: TransportName) -> bool:
    """Log in with a bad token; say whether the connection has ended with its refusal."""
    headers = [("x-forwarded-for", address)]
    connection = await memory.open_connection(transport, headers=headers)
    with suppress(ConnectionRefused):
        client = await connection.join(auth={"token": "bad"})
        assert await client.wait_disconnected(1) == "io server disconnect"
    await wait_all_tasks_blocked()
    if connection.engine.inbox.closed is None:
        await connection.join(auth={"token": "good"})  # as it is allowed to
        return False
    return True


@both
@pytest.mark.parametrize("how", ["middleware", "false", "connect hook", "report"])
async def test_past_the_rate_of_refused_logins_bad_ones_are_closed_and_good_ones_come_in(
    autojump_clock: MockClock, transport: TransportName, how: str
) -> None:
    config = Config(address_refused_logins_per_second=1, burst_seconds=3, trusted_proxies=[PROXY])
    async with serving(door(how), config=config) as memory:
        ledger = Ledger()
        for _ in range(3):
            assert not await is_closed(memory, "198.51.100.7", transport)
        memory.server.observe(ledger)
        assert await is_closed(memory, "198.51.100.7", transport)
        assert [record.reason for record in ledger.records][-1] == "login rate"
        await connect(memory, "198.51.100.7", transport=transport)
        assert not await is_closed(memory, "198.51.100.8", transport)
        assert not await is_closed(memory, "127.0.0.1", transport)
        await trio.sleep(1)
        assert not await is_closed(memory, "198.51.100.7", transport)


async def test_failures_and_refusals_for_other_reasons_are_no_refused_logins(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    def gate(socket: Socket) -> None:
        if socket.handshake.auth["token"] == "late":
            socket.report_refusal("maintenance", "back at noon")
            raise ConnectionRefused("later")
        raise ValueError("a bug")

    config = Config(address_refused_logins_per_second=1, burst_seconds=1)
    async with serving(root, config=config) as memory:
        for token in ["late", "other"] * 5:
            connection = await memory.open_connection()
            with pytest.raises(ConnectionRefused):
                await connection.join(auth={"token": token})
            await wait_all_tasks_blocked()
            assert connection.engine.inbox.closed is None


async def test_who_is_in_elsewhere_on_the_connection_stays(autojump_clock: MockClock) -> None:
    root, shut = Router(), Router("/shut")
    root.on("echo")(lambda socket, text: text)
    shut.use(lambda socket: False)
    config = Config(address_refused_logins_per_second=1, burst_seconds=1)
    async with serving(root, shut, config=config) as memory:
        connection = await memory.open_connection()
        client = await connection.join()
        for _ in range(5):
            with pytest.raises(ConnectionRefused):
                await connection.join("/shut")
        assert await client.call("echo", "here") == "here"
