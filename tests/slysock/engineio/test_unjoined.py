"""Strangers: how many sessions there may be whose clients have joined nothing, in all and from one address."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from slysock import Config, ConnectionRefused, EngineHooks, Router, Socket
from slysock.config import TransportName
from slysock.engineio.hooks import RefusedRequest
from slysock.engineio.unjoined import Unjoined, cost_of
from slysock.front import FULL_WARNING_SECONDS
from slysock.http.addresses import AddressGroups
from slysock.http.proxies import TrustedProxies
from slysock.ids import SessionId
from slysock.request import EngineRequest
from slysock.testing import Closed, Memory, Response
from slysock.testing.http_request import Headers, request
from tests.slysock.engineio.polls import OPEN, UPGRADE
from tests.slysock.serving import both, serving

CROWDED = b'{"code":4,"message":"Too many connections"}'


def opening(address: str = "192.0.2.1", url: str = OPEN, headers: Headers = ()) -> EngineRequest:
    return EngineRequest(headers=dict(headers), query={}, address=address, secure=False, url=url)


def unjoined(*trusted: str, most: int = 10, of_address: int = 2) -> Unjoined:
    return Unjoined(
        Config(max_unjoined=most, max_unjoined_per_address=of_address), AddressGroups(TrustedProxies(trusted))
    )


async def ask(memory: Memory, peer: str = "192.0.2.1", headers: Headers = (), target: str = OPEN) -> Response:
    return await request(memory.open(peer=peer), "GET", target, headers=headers)


# ---- counting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "crowd"),
    [
        (["192.0.2.1"] * 2, None),
        (["192.0.2.1"] * 3, "address"),
        (["192.0.2.1", "192.0.2.1", "192.0.2.2"], None),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"], "address"),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], None),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], "address"),
        (["127.0.0.1"] * 3, None),
        (["::1"] * 3, None),
        (["::ffff:127.0.0.1"] * 3, None),
        ([""] * 3, None),
        (["10.0.0.9"] * 3, None),
        (["10.0.1.9"] * 3, "address"),
    ],
)
def test_one_address_has_so_many_unless_many_are_behind_it(addresses: list[str], crowd: str | None) -> None:
    strangers = unjoined("10.0.0.0/24")
    *before, last = addresses
    for number, address in enumerate(before):
        assert strangers.crowd(opening(address)) is None
        strangers.add(SessionId(str(number)), opening(address))
    assert strangers.crowd(opening(last)) == crowd


def test_all_together_have_so_many_whatever_their_addresses() -> None:
    strangers = unjoined(most=3)
    for number in range(3):
        assert strangers.crowd(opening(f"192.0.2.{number}")) is None
        strangers.add(SessionId(str(number)), opening(f"192.0.2.{number}"))
    assert [strangers.crowd(opening(address)) for address in ("192.0.2.9", "127.0.0.1", "")] == ["unjoined"] * 3
    strangers.discard(SessionId("1"))
    strangers.discard(SessionId("1"))
    assert (len(strangers), strangers.crowd(opening("127.0.0.1"))) == (2, None)


@pytest.mark.parametrize(
    ("request_", "cost"),
    [
        (opening(), 1),
        (opening(headers=[("cookie", "x" * 3000), ("user-agent", "y" * 500)]), 1),
        (opening(headers=[("cookie", "x" * 5000)]), 2),
        (opening(url=OPEN + "&x=" + "y" * 15_000), 8),
        (opening(headers=[(f"x-{number}", "y" * 150) for number in range(100)]), 7),
        (opening(headers=[(f"x-{number:0150}", "") for number in range(100)]), 7),
        (opening(headers=[(f"x{number}", "") for number in range(100)]), 3),
    ],
)
def test_a_session_that_keeps_much_of_its_request_counts_for_several(request_: EngineRequest, cost: int) -> None:
    assert cost_of(request_) == cost


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), st.integers(0, 9000))))
def test_who_has_left_is_counted_no_more(visits: list[tuple[str, int]]) -> None:
    strangers = unjoined(most=10_000, of_address=10_000)
    for number, (address, size) in enumerate(visits):
        strangers.add(SessionId(str(number)), opening(address, "/" * size))
    for number in range(len(visits)):
        strangers.discard(SessionId(str(number)))
    assert (len(strangers), strangers._cost, strangers._costs) == (0, 0, {})


# ---- at the door ----------------------------------------------------------------------------------------------------


@both
async def test_the_last_one_that_fits_is_let_in_and_the_next_one_refused(
    transport: TransportName, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "slysock")
    hooks, refused = EngineHooks(), list[RefusedRequest]()
    hooks.on_connection_error(refused.append)
    async with serving(Router(), config=Config(max_unjoined=2), hooks=hooks) as memory:
        first = await memory.open_connection(transport)
        await memory.open_connection(transport)
        assert memory.server.statistics().unjoined == 2
        with pytest.raises(Closed) as caught:
            await memory.open_engine(transport)
        assert caught.value.code == 503
        assert [(each.status, each.code, each.reason) for each in refused] == [(503, 4, "unjoined")]
        assert "refused, unjoined: max_unjoined sessions have joined no namespace yet" in caplog.messages
        await first.join("/")
        assert memory.server.statistics().unjoined == 1
        await memory.connect(transport=transport)


async def test_the_answer_is_an_error_of_engine_io_that_pages_may_read(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_unjoined_per_address=1)) as memory:
        await ask(memory)
        for target, headers in ((OPEN, []), (OPEN.replace("polling", "websocket"), UPGRADE)):
            answer = await ask(memory, headers=[*headers, ("origin", "https://page.example")], target=target)
            assert (answer.status, answer.body) == (503, CROWDED)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["access-control-allow-origin"] == "*"
        assert (await ask(memory, "192.0.2.2")).status == 200
        await trio.sleep(46)
        assert (await ask(memory)).status == 200


async def test_who_is_in_has_no_part_in_it_nor_have_those_who_were(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_unjoined=1)) as memory:
        for _ in range(5):
            await memory.connect()
        await memory.open_engine("polling")
        with pytest.raises(Closed):
            await memory.connect()
        assert memory.server.statistics().connections == 6


async def test_who_is_not_let_in_stays_a_stranger(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no")

    async with serving(root, config=Config(max_unjoined=1)) as memory:
        connection = await memory.open_connection()
        with pytest.raises(ConnectionRefused):
            await connection.join("/")
        assert memory.server.statistics().unjoined == 1
        assert (await ask(memory)).status == 503


async def test_what_a_trusted_proxy_says_is_whose_address_it_is(autojump_clock: MockClock) -> None:
    config = Config(max_unjoined_per_address=1, trusted_proxies=["10.0.0.1"])

    def by(client: str) -> Headers:
        return [("x-forwarded-for", client)]

    async with serving(Router(), config=config) as memory:
        assert (await ask(memory, "10.0.0.1", by("198.51.100.7"))).status == 200
        assert (await ask(memory, "10.0.0.1", by("198.51.100.7"))).status == 503
        assert (await ask(memory, "10.0.0.1", by("198.51.100.8"))).status == 200
        assert [(await ask(memory, "10.0.0.1")).status for _ in range(2)] == [200, 200], "of the proxy's own"
        assert (await ask(memory, "192.0.2.9", by("198.51.100.9"))).status == 200
        assert (await ask(memory, "192.0.2.9", by("198.51.100.10"))).status == 503, "nobody's word but a proxy's"


async def test_the_operator_is_told_now_and_then_which_setting_it_is(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config(max_unjoined=2, max_unjoined_per_address=1, connect_timeout_seconds=1000, ping_timeout_seconds=1000)
    async with serving(Router(), config=config) as memory:
        for peer in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
            await ask(memory, peer)
        by_one = (
            "max_unjoined_per_address (1) is reached by 192.0.2.1 (if that is a proxy, trusted_proxies is to name it)"
            ": new clients are refused"
        )
        by_all = "max_unjoined (2) is reached: new clients are refused"
        assert [record.getMessage() for record in caplog.records] == [by_one, by_all]
        await trio.sleep(FULL_WARNING_SECONDS)
        await ask(memory, "192.0.2.5")
        assert caplog.records[-1].getMessage() == by_all
        assert len(caplog.records) == 3


async def test_those_who_wait_for_a_hook_have_no_seat_yet(autojump_clock: MockClock) -> None:
    hooks, asked, statuses = EngineHooks(), list[str](), list[int]()

    @hooks.allow_request
    async def think(request: EngineRequest) -> None:
        asked.append(request.address)
        await trio.sleep(1)

    async with serving(Router(), config=Config(max_unjoined=2), hooks=hooks) as memory:

        async def come(number: int) -> None:
            statuses.append((await ask(memory, f"192.0.2.{number}")).status)

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(come, number)
        assert sorted(statuses) == [200, 200, 503, 503]
        assert (await ask(memory)).status == 503
        assert len(asked) == 4, "nobody is asked about one for whom there is no room"
