"""The steps by which sockets come into a namespace and leave it, and what is kept of each."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from msgspec import Struct

from slysock import Router, Server, Socket
from slysock.identity import Identity, Tokens, secret_key
from slysock.systems.admission import Admission
from slysock.systems.connecting import Connecting
from slysock.systems.domain import DomainError, Invalid, Presence
from slysock.systems.ids import key_of_bearer
from slysock.systems.socket_keys import Key
from slysock.testing import Memory, serve_memory
from slysock_store import UserKey
from tests.slysock.systems.market import SECRET, now, settle, token_for


class Person(Struct, frozen=True):
    key: UserKey

    @property
    def rooms(self) -> tuple[str, ...]:
        return (f"room of {self.key}",)


class Session(Struct, frozen=True):
    person: Person
    identity: Identity


SESSION = Key("test.session", Session)


def person_of(identity: Identity) -> Person:
    return Person(key_of_bearer(identity))


@dataclass
class House:
    """A namespace that writes down which steps were taken, and where a step may go wrong."""

    log: list[str] = field(default_factory=list)
    presence: Presence = field(default_factory=Presence)
    failing: dict[str, Exception] = field(default_factory=dict)
    sockets: list[Socket] = field(default_factory=list)
    admission: Admission = field(default_factory=lambda: Admission(Tokens(secret_key(SECRET), clock=now)))
    connecting: Connecting[Person, Session] = field(init=False)

    def __post_init__(self) -> None:
        self.connecting = Connecting(
            self.admission,
            SESSION,
            [self.presence],
            person_of=person_of,
            sign_in=self.sign_in,
            show_out=self.show_out,
            require=partial(self.step, "require"),
            welcome=self.welcome,
            first_came=partial(self.step, "first came"),
            last_left=partial(self.step, "last left"),
        )

    def take(self, name: str) -> None:
        self.log.append(name)
        if name in self.failing:
            raise self.failing[name]

    async def step(self, name: str, *given: object) -> None:
        self.take(name)

    async def sign_in(self, person: Person, identity: Identity) -> Session:
        self.take(f"sign in, counted {self.presence.connections_of(person.key)}")
        return Session(person, identity)

    async def welcome(self, socket: Socket, session: Session) -> None:
        self.sockets.append(socket)
        assert SESSION.get(socket) is session
        assert set(session.person.rooms) <= set(socket.rooms)
        self.take("welcome")

    def show_out(self, socket: Socket, error: Exception) -> None:
        socket.emit("out", str(error))
        socket.disconnect()


@asynccontextmanager
async def open_house(house: House) -> AsyncGenerator[Memory, None]:
    router = Router("/house")
    router.on_connect(house.connecting.connect)
    router.on_disconnect(house.connecting.disconnect)
    async with serve_memory(Server(router)) as memory:
        yield memory


async def test_the_first_socket_of_a_user_and_the_last_are_told_of() -> None:
    house = House()
    async with open_house(house) as memory:
        one = await memory.connect("/house", auth={"token": token_for("anna", "user")})
        await settle()
        assert house.log == ["require", "sign in, counted 1", "welcome", "first came"]
        house.log.clear()
        two = await memory.connect("/house", auth={"token": token_for("anna", "user")})
        await settle()
        assert house.log == ["require", "sign in, counted 2", "welcome"]
        house.log.clear()
        await one.disconnect()
        await settle()
        assert house.log == []
        await two.disconnect()
        await settle()
        assert house.log == ["last left"]
    assert len(house.admission) == 0


@pytest.mark.parametrize("step", ["require", "sign in, counted 1", "welcome", "first came"])
async def test_one_who_may_not_stay_is_told_and_counts_no_longer(step: str) -> None:
    house = House(failing={step: Invalid("not you")})
    async with open_house(house) as memory:
        client = await memory.connect("/house", auth={"token": token_for("anna", "user")})
        assert await client.expect("out") == ("not you",)
        assert await client.wait_disconnected(5) == "io server disconnect"
        await settle()
        assert len(house.presence) == len(house.admission) == 0


async def test_what_a_store_refuses_at_the_end_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    house = House(failing={"last left": DomainError("unavailable")})
    async with open_house(house) as memory:
        client = await memory.connect("/house", auth={"token": token_for("anna", "user")})
        await settle()
        await client.disconnect()
        await settle()
    assert house.log[-1] == "last left"
    assert not caplog.records


async def test_a_newer_token_signs_in_anew_and_does_nothing_else() -> None:
    house = House()
    async with open_house(house) as memory:
        await memory.connect("/house", auth={"token": token_for("anna", "user")})
        await settle()
        house.log.clear()
        (socket,) = house.sockets
        before = SESSION.get(socket)
        assert before is not None
        assert await house.connecting.enter(socket, before.identity) is SESSION.get(socket)
        assert house.log == ["sign in, counted 1"]
        assert SESSION.get(socket) is not before


async def test_a_key_gives_what_was_set_by_it_and_nothing_else() -> None:
    house = House()
    async with open_house(house) as memory:
        await memory.connect("/house", auth={"token": token_for("anna", "user")})
        await settle()
        (socket,) = house.sockets
        number, text = Key("test.value", int), Key("test.value", str)
        assert number.get(socket) is None
        number.set(socket, 7)
        assert number.get(socket) == 7
        assert text.get(socket) is None
        assert Key("other.value", int).get(socket) is None
