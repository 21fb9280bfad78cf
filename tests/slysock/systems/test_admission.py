"""Who a socket is, for every system: the door of the root namespace, deadlines, refreshing."""

from contextlib import suppress

import jwt
import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused, Router, Server, Socket
from slysock.identity import Tokens, make_token, secret_key
from slysock.systems.admission import Admission, RefreshToken, show_out_of_root, user_in
from slysock.systems.domain import DomainError, NotAllowed
from slysock.systems.foundation import Foundation, SystemSettings
from slysock.systems.marketplace import marketplace
from slysock.systems.system import System, SystemMaker
from slysock.testing import serve_memory
from tests.slysock.systems.market import SECRET, now, settle, token_for
from tests.slysock.systems.running import open_systems


def rooted(name: str) -> SystemMaker:
    """Make a system in the root namespace."""

    def make(foundation: Foundation) -> System:
        router = Router("/")

        @router.on(f"{name}-who")
        async def who(socket: Socket) -> object:
            identity = foundation.admission.maybe_identity(socket)
            return None if identity is None else [identity.user_id, identity.role]

        return System(name=name, routers=(foundation.root.router, router), run=trio.sleep_forever)

    return make


def elsewhere(foundation: Foundation) -> System:
    """Make a system with a namespace of its own."""
    router = Router("/own")
    admission = foundation.admission

    def show_out(socket: Socket, error: DomainError) -> None:
        socket.emit("over", str(error))
        socket.disconnect()

    @router.on_connect
    async def come(socket: Socket) -> None:
        try:
            admission.keep(socket, await admission.identify(socket), show_out)
        except DomainError as error:
            show_out(socket, error)

    @router.on_disconnect
    def go(socket: Socket, reason: str) -> None:
        admission.leave(socket)

    @router.on("who")
    async def who(socket: Socket) -> object:
        return admission.identity_of(socket).user_id

    @router.on("refreshToken")
    async def refresh(socket: Socket, payload: RefreshToken) -> str:
        try:
            await admission.refresh(socket, payload.token)
        except NotAllowed as error:
            return str(error)
        return "ok"

    return System(name="own", routers=(router,), run=trio.sleep_forever)


@pytest.mark.parametrize("token", [None, "nonsense", "expired", "forged", 7])
async def test_the_root_refuses_whoever_has_no_good_token_in_the_same_words(token: object) -> None:
    async with open_systems(rooted("a")) as running:
        if token == "expired":
            token = token_for("x", "user", expires_in=-1)
        elif token == "forged":
            token = make_token("y" * 40, {"id": "x"}, now=now(), expires_in_seconds=60)
        with pytest.raises(ConnectionRefused, match=r"^Authentication error$"):
            await running.memory.connect("/", auth=None if token is None else {"token": token})


async def test_two_systems_share_one_door() -> None:
    async with open_systems(rooted("a"), rooted("b")) as running:
        client = await running.memory.connect("/", auth={"token": token_for(7, "Buyer")})
        assert await client.call("a-who") == [7, "Buyer"]
        assert await client.call("b-who") == [7, "Buyer"]
        newer = token_for(7, "buyer", expires_in=9000)
        assert await client.call("refreshToken", {"token": newer}) == {
            "success": True,
            "message": "Token has been refreshed",
        }


async def test_a_closed_network_lets_in_whoever_carries_no_token_as_nobody() -> None:
    async with open_systems(rooted("a"), settings=SystemSettings(trust_user_join=True)) as running:
        client = await running.memory.connect("/")
        assert await client.call("a-who") is None
        with pytest.raises(ConnectionRefused, match="Authentication error"):
            await running.memory.connect("/", auth={"token": "nonsense"})


async def test_a_token_that_expires_ends_the_stay_with_a_word(autojump_clock: MockClock) -> None:
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for("x", "user", expires_in=30)})
        start = trio.current_time()
        assert await client.expect("error") == (
            {"message": "Authentication token has expired", "event": "connect", "code": 401},
        )
        assert await client.wait_disconnected() == "io server disconnect"
        assert 29 <= trio.current_time() - start <= 31


async def test_a_newer_token_prolongs_the_stay(autojump_clock: MockClock) -> None:
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for("x", "user", expires_in=30)})
        await trio.sleep(20)
        await client.call("refreshToken", {"token": token_for("x", "user", expires_in=100)})
        await trio.sleep(60)
        assert await client.call("a-who") == ["x", "user"]
        await client.expect("error")


@pytest.mark.parametrize(
    ("user", "role", "code", "text"),
    [
        ("y", "user", 403, "The token belongs to another user"),
        ("x", "admin", 403, "The token belongs to another user"),
        (None, "", 401, "Authentication token is invalid"),
    ],
)
async def test_a_token_of_somebody_else_changes_nothing(user: str | None, role: str, code: int, text: str) -> None:
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for("x", "user")})
        token = "nonsense" if user is None else token_for(user, role)
        assert await client.call("refreshToken", {"token": token}) == {"success": False, "message": text, "code": code}
        assert await client.expect("error") == ({"message": text, "event": "refreshToken", "code": code},)
        assert await client.call("a-who") == ["x", "user"]


async def test_a_refresh_that_is_no_text_is_refused() -> None:
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for("x", "user")})
        answer = await client.call("refreshToken", {"token": {"$gt": ""}})
        assert isinstance(answer, dict)
        assert answer["code"] == 400


async def test_a_namespace_of_its_own_decides_what_is_said(autojump_clock: MockClock) -> None:
    async with open_systems(elsewhere) as running:
        stranger = await running.memory.connect("/own")
        assert await stranger.expect("over") == ("Authentication token is missing",)
        client = await running.memory.connect("/own", auth={"token": token_for(3, "user", expires_in=30)})
        assert await client.call("who") == 3
        assert await client.call("refreshToken", {"token": token_for("3", "USER", expires_in=90)}) == "ok"
        assert (
            await client.call("refreshToken", {"token": token_for("4", "user")}) == "The token belongs to another user"
        )
        await trio.sleep(60)
        assert await client.call("who") == "3"
        assert await client.expect("over") == ("Authentication token has expired",)


async def test_whoever_is_refused_behind_the_door_leaves_nothing_behind() -> None:
    def guarded(foundation: Foundation) -> System:
        router = Router("/")

        @router.use
        def refuse(socket: Socket) -> None:
            raise ConnectionRefused("full")

        return System(name="guarded", routers=(foundation.root.router, router), run=trio.sleep_forever)

    async with open_systems(guarded) as running:
        with pytest.raises(ConnectionRefused, match="full"):
            await running.memory.connect("/", auth={"token": token_for("x", "user")})
        assert len(running.assembly.foundation.admission) == 0


async def test_deadlines_of_those_who_have_left_are_forgotten(autojump_clock: MockClock) -> None:
    async with open_systems(elsewhere) as running:
        client = await running.memory.connect("/own", auth={"token": token_for(3, "user", expires_in=30)})
        assert len(running.assembly.foundation.admission) == 1
        await client.disconnect()
        await settle()
        assert len(running.assembly.foundation.admission) == 0
        await trio.sleep(60)
        assert client.waiting() == []


async def test_a_token_without_an_end_lifts_the_deadline(autojump_clock: MockClock) -> None:
    async with open_systems(elsewhere) as running:
        client = await running.memory.connect("/own", auth={"token": token_for(3, "user", expires_in=30)})
        unending = jwt.encode({"userId": 3, "role": "user"}, SECRET, algorithm="HS256")
        assert await client.call("refreshToken", {"token": unending}) == "ok"
        assert len(running.assembly.foundation.admission) == 0
        await trio.sleep(60)
        assert await client.call("who") == 3


async def test_an_event_that_comes_before_the_end_is_told_is_refused_all_the_same(autojump_clock: MockClock) -> None:
    admission = Admission(Tokens(secret_key(SECRET), clock=now))  # which nobody runs: nobody is shown out
    router = Router("/own")

    @router.on_connect
    async def come(socket: Socket) -> None:
        if "token" in socket.handshake.auth:
            admission.keep(socket, await admission.identify(socket), show_out_of_root)

    @router.on("who")
    def who(socket: Socket) -> object:
        return admission.identity_of(socket).user_id

    async with serve_memory(Server(router)) as memory:
        stranger = await memory.connect("/own")
        assert await stranger.call("who") == {"error": "You are not connected"}
        client = await memory.connect("/own", auth={"token": token_for(3, "user", expires_in=30)})
        assert await client.call("who") == 3
        await trio.sleep(30)
        assert await client.call("who") == {"error": "Authentication token has expired"}


async def test_the_user_of_a_socket_is_known_for_as_long_as_the_socket(autojump_clock: MockClock) -> None:
    users: list[str | int | None] = []

    def watched(foundation: Foundation) -> System:
        router = Router("/")
        router.on_connect(lambda socket: users.append(user_in(socket)))
        router.on_disconnect(lambda socket, reason: users.append(user_in(socket)))
        return System(name="watched", routers=(foundation.root.router, router), run=trio.sleep_forever)

    async with open_systems(watched, settings=SystemSettings(trust_user_join=True)) as running:
        for auth in ({"token": token_for(3, "user")}, {}):
            await (await running.memory.connect("/", auth=auth)).disconnect()
            await settle()
    assert users == [3, 3, None, None]


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log at level DEBUG says of refusals, as an operator sees it."""
    texts = [record.getMessage() for record in caplog.records if record.name == "slysock"]
    return [text for text in texts if text.startswith("refused, ")]


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (None, "Authentication token is missing"),
        ("nonsense", "Authentication token is invalid"),
        ("expired", "Authentication token has expired"),
    ],
)
@pytest.mark.parametrize("namespace", ["/", "/chat"])
async def test_a_token_that_does_not_do_is_seen_in_the_log_once_and_without_itself(
    namespace: str, token: str | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with open_systems(rooted("a"), marketplace) as running:
        if token == "expired":
            token = token_for("x", "user", expires_in=-1)
        with suppress(ConnectionRefused):
            client = await running.memory.connect(namespace, auth=None if token is None else {"token": token})
            await client.wait_disconnected(5)
    assert refusals(caplog) == [f"refused, token: {why}"]
    assert token is None or token not in caplog.text


async def test_a_newer_token_that_does_not_do_is_seen_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "slysock")
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for(7, "buyer")})
        for token in ("nonsense", token_for(8, "buyer")):
            await client.call("refreshToken", {"token": token})
    assert refusals(caplog) == [
        "refused, token: Authentication token is invalid",
        "refused, token: it belongs to another user",
    ]


async def test_the_end_of_a_token_is_seen_too(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "slysock")
    async with open_systems(rooted("a")) as running:
        client = await running.memory.connect("/", auth={"token": token_for("x", "user", expires_in=30)})
        await client.wait_disconnected()
    assert refusals(caplog) == ["refused, token: Authentication token has expired"]


async def test_whoever_may_come_without_a_token_is_not_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "slysock")
    async with open_systems(rooted("a"), settings=SystemSettings(trust_user_join=True)) as running:
        await running.memory.connect("/")
    assert refusals(caplog) == []
