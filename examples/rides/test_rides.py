"""The example, served by the real command from the working directory, to stock clients."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from socketio import SimpleClient

from slysock.identity import make_token

ROOT = Path(__file__).parents[2]
SECRET = "a secret of tests, which is longer than 32 bytes"
SLYSOCK = f"{Path(sys.executable).parent}/slysock"
OPTIONS = ("--system", "examples.rides:rides", "--jwt-secret", SECRET)

Enter = Callable[[str, str], SimpleClient]

pytestmark = pytest.mark.port


@pytest.fixture
def enter(tmp_path: Path) -> Iterator[Enter]:
    """Serve what the demo has filled in; return how to connect as somebody."""
    command = [SLYSOCK, "serve", *OPTIONS, "--port", "0", "--store", f"sqlite:///{tmp_path}/chat.db"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server, ExitStack() as clients:
        clients.callback(server.terminate)
        assert server.stdout is not None
        url = next(line.split()[1] for line in server.stdout if "address" in line)
        told = subprocess.check_output([SLYSOCK, "demo", *OPTIONS, "--url", url], cwd=ROOT, text=True)
        assert told == "rides: rider rosa and driver dan talk about ride-1\n"

        def come(user: str, role: str) -> SimpleClient:
            token = make_token(SECRET, {"userId": user, "role": role}, now=time.time(), expires_in_seconds=600)
            client = clients.enter_context(SimpleClient())
            client.connect(url, namespace="/rides", auth={"token": token}, transports=["websocket"])
            return client

        yield come


def test_a_rider_and_a_driver_talk_and_see_each_other(enter: Enter) -> None:
    rosa = enter("rosa", "rider")
    assert not rosa.call("open", {"rideId": "ride-1"})["isOnline"]
    dan = enter("dan", "driver")
    assert rosa.receive() == ["presence", {"userId": "dan", "isOnline": True}]
    rosa.emit("typing", {"rideId": "ride-1", "isTyping": True})
    assert dan.receive() == ["typing", {"rideId": "ride-1", "isTyping": True}]
    question = {"rideId": "ride-1", "text": "Where are you?", "clientMessageId": "m-1"}
    message = rosa.call("say", question)
    assert (message["by"], message["text"]) == ("rosa", "Where are you?")
    assert dan.receive() == rosa.receive() == ["said", message]
    assert rosa.call("say", question) == message
    ride = dan.call("open", {"rideId": "ride-1"})
    assert ride["isOnline"]
    assert [told["text"] for told in ride["messages"]] == ["Where are you?", "I'm waiting at gate 4."]
    dan.disconnect()
    assert rosa.receive() == ["presence", {"userId": "dan", "isOnline": False}]


def test_to_strangers_there_is_no_such_ride(enter: Enter) -> None:
    eve = enter("eve", "rider")
    for ride_id in ("ride-1", "ride-2"):
        for event, more in (("open", {}), ("say", {"text": "hello"}), ("typing", {"isTyping": True})):
            assert eve.call(event, {"rideId": ride_id, **more}) == {"error": "Chat not found"}
    assert enter("sam", "seller").receive() == ["error", "Only riders and drivers may come in"]
