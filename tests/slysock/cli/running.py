"""The command, called in this process or in one of its own, and somebody who writes to a server that it runs."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self, cast

import httpx  # noqa: ASYNC127 - Litestar needs it anyway
import pytest

from slysock.cli import main
from slysock.identity import make_token

SECRET = "a secret of tests, which is longer than 32 bytes"
SERVED = ("--port", "0", "--store", "sqlite:///chat.db", "--system", "pets", "--jwt-secret", SECRET)


def run_main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def small_disk(folder: str, size: str) -> list[str]:
    """Make the beginning of a command, whose rest then sees a file system of this size at the folder.

    That of tmpfs, in namespaces of its own: it needs no rights and is gone with the process.
    """
    script = f'mount -t tmpfs -o size={size} none {folder} && exec "$@"'
    beginning = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    tried = subprocess.run([*beginning, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"no small disk can be made here: {tried.stderr.decode()}")
    return beginning


@contextmanager
def serving(*arguments: str, within: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `slysock serve`, within another command or not, and give it with what it said when it was ready."""
    command = [*within, sys.executable, "-m", "slysock.cli", "serve", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Stop with"):
                break
        yield process, lines
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """End a server, gracefully."""
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds, for half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


class Writer:
    """Somebody who sends one message after the other to a server of `SERVED`, in a thread, until stopped.

    Attributes:
        url: of the server.
        acknowledged: the ids of messages that the server has confirmed, in order.
        refusals: how many it has refused.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.url = url_in(lines)
        self.acknowledged: list[str] = []
        self.refusals = 0
        self._is_stopped = False
        self._http = client_of(self.url)
        created = self._http.post("/api/chat/create", json={"participantId": "ben"}).json()
        self._chat = str(created["data"]["_id"])
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

    def stop(self) -> None:
        """Stop writing; return when the last answer is there."""
        self._is_stopped = True
        self._thread.join()

    def _write(self) -> None:
        while not self._is_stopped:
            answer = self._http.post(f"/api/chat/{self._chat}/send", json={"content": "x" * 500})
            if answer.status_code in (200, 201):
                self.acknowledged.append(answer.json()["data"]["_id"])
            else:
                self.refusals += 1

    def history(self, lines: Sequence[str]) -> list[str]:
        """Read the ids of all messages of the chat from a server, oldest first."""
        kept: list[str] = []
        with client_of(url_in(lines)) as http:
            for page in range(1, 1000):
                found = http.get(f"/api/chat/{self._chat}/messages", params={"page": page, "limit": 100}).json()
                messages = cast("list[dict[str, str]]", found["data"]["messages"])
                kept[:0] = [message["_id"] for message in messages]
                if len(messages) < 100:
                    break
        return kept


def client_of(url: str) -> httpx.Client:
    """Make an HTTP client for a user of pets."""
    token = make_token(SECRET, {"userId": "anna", "role": "buyer"}, now=time.time(), expires_in_seconds=3600)
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20)


def url_in(lines: Sequence[str]) -> str:
    """Find the address in what a server said when it was ready."""
    return next(line.split()[-1] for line in lines if line.split()[:1] == ["address"])
