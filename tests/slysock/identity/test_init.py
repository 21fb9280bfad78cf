"""The example in the package's docstring does what it says."""

import time

import pytest

import slysock.identity
from slysock import ConnectionRefused, Server
from slysock.testing import serve_memory
from tests.slysock.examples import run_example

SECRET = "at least 32 bytes that nobody can guess"


def token_of(user: str, *, secret: str = SECRET, expires_in_seconds: float = 60) -> str:
    now = time.time()
    return slysock.identity.make_token(secret, {"sub": user}, now=now, expires_in_seconds=expires_in_seconds)


@pytest.fixture
def server() -> Server:
    server = run_example(slysock.identity)["server"]
    assert isinstance(server, Server)
    return server


async def test_a_socket_is_identified_by_its_token(server: Server) -> None:
    async with serve_memory(server) as memory:
        client = await memory.connect("/chat", auth={"token": token_of("ada")})
        assert await client.call("whoami") == "ada"


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (None, "Authentication token is missing"),
        ("nonsense", "Authentication token is invalid"),
        (token_of("ada", secret="x" * 32), "Authentication token is invalid"),
        (token_of("ada", expires_in_seconds=-1), "Authentication token has expired"),
    ],
)
async def test_a_socket_without_a_good_token_is_refused(server: Server, token: str | None, text: str) -> None:
    async with serve_memory(server) as memory:
        with pytest.raises(ConnectionRefused, match=f"^{text}$"):
            await memory.connect("/chat", auth={} if token is None else {"token": token})
