"""The example, served by the real command from the working directory, to stock clients."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from socketio import SimpleClient
from socketio.exceptions import ConnectionError as Refused

from slysock.identity.tokens import make_token

ROOT = Path(__file__).parents[2]
SECRET = "a secret of tests, which is longer than 32 bytes"
LONGEST_SECONDS = 30

Enter = Callable[[str, str], SimpleClient]

pytestmark = pytest.mark.port


def slysock(command: str, *options: str) -> list[str]:
    """Spell out a command, as one would type it in the folder that `examples` is in."""
    program = Path(sys.executable).with_name("slysock")
    return [str(program), command, "--system", "examples.rides:rides", "--jwt-secret", SECRET, *options]


@pytest.fixture
def enter(tmp_path: Path) -> Iterator[Enter]:
    """A server that the demo has filled, and how to come in."""
    command = slysock("serve", "--port", "0", "--store", f"sqlite:///{tmp_path}/chat.db")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server, ExitStack() as clients:
        clients.callback(server.terminate)
        assert server.stdout is not None
        url = next(line.split()[1] for line in server.stdout if "address" in line)
        told = subprocess.run(slysock("demo", "--url", url), cwd=ROOT, capture_output=True, text=True, check=True)
        assert told.stdout == "rides: rider rosa and driver dan talk about ride-1\n"

        def come(user: str, role: str) -> SimpleClient:
            claims = {"userId": user, "role": role}
            auth = {"token": make_token(SECRET, claims, now=time.time(), expires_in_seconds=600)}
            client = clients.enter_context(SimpleClient())
            client.connect(url, namespace="/rides", auth=auth, transports=["websocket"])
            return client

        yield come


def test_a_rider_and_a_driver_talk_and_see_each_other(enter: Enter) -> None:
    rosa, dan = enter("rosa", "rider"), enter("dan", "driver")
    assert rosa.receive(LONGEST_SECONDS) == ["presence", {"userId": "dan", "isOnline": True}]
    rosa.emit("typing", {"rideId": "ride-1", "isTyping": True})
    assert dan.receive(LONGEST_SECONDS) == ["typing", {"rideId": "ride-1", "isTyping": True}]
    question = {"rideId": "ride-1", "text": "Where are you?", "clientMessageId": "m-1"}
    message = rosa.call("say", question)
    assert (message["by"], message["text"]) == ("rosa", "Where are you?")
    assert dan.receive(LONGEST_SECONDS) == rosa.receive(LONGEST_SECONDS) == ["said", message]
    assert rosa.call("say", question) == message
    newest, oldest = dan.call("open", {"rideId": "ride-1"})["messages"]
    assert (newest, oldest["text"]) == (message, "I wait at gate 4.")
    assert rosa.call("open", {"rideId": "ride-1"})["isOnline"]
    dan.disconnect()
    assert rosa.receive(LONGEST_SECONDS) == ["presence", {"userId": "dan", "isOnline": False}]
    assert not rosa.call("open", {"rideId": "ride-1"})["isOnline"]


def test_to_strangers_there_is_no_such_ride(enter: Enter) -> None:
    eve = enter("eve", "rider")
    for ride_id in ("ride-1", "ride-2"):
        for event, more in (("open", {}), ("say", {"text": "hello"}), ("typing", {"isTyping": True})):
            assert eve.call(event, {"rideId": ride_id, **more}) == {"error": "Chat not found"}
    with pytest.raises(Refused):
        enter("sam", "seller")
