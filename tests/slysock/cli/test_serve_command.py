"""`slysock serve`: a whole run of the server."""

import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.slysock.cli.running import run_main, serving


@pytest.mark.port
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_gracefully(number: signal.Signals) -> None:
    with serving("--port", "0", "--store", "sqlite:///new/chat.db") as (process, lines):
        said = "\n".join(lines)
        assert "http://127.0.0.1:" in said
        assert "marketplace (/presence, /chat, /notification)" in said
        assert "sqlite:///new/chat.db" in said
        assert "new/chat.db.jwt-secret" in said
        assert "slysock token --user 1 --role CUSTOMER --store sqlite:///new/chat.db" in said
        assert Path("new/chat.db.jwt-secret").read_text().strip() not in said
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert (out, err) == ("", "")


@pytest.mark.port
def test_a_port_in_use_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_main("serve", "--port", str(port)) == 2
    err = capsys.readouterr().err
    assert err == f"slysock: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.port
def test_a_hangup_ends_nothing_and_the_folder_of_uploads_is_closed_to_others() -> None:
    with serving("--port", "0", "--store", "sqlite://", "--media-path", "new/media") as (process, _):
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert "are reloaded" in process.stderr.readline()
        assert Path("new/media").stat().st_mode & 0o777 == 0o700
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.port
def test_with_an_internal_listener_the_public_one_says_nothing_to_monitoring() -> None:
    with serving("--port", "0", "--internal", "127.0.0.1:0", "--store", "sqlite:///chat.db") as (_, lines):
        public, internal = (line.split()[-1] for line in lines if line.split()[0] in ("address", "internal"))
        for path in ("/metrics", "/healthz", "/readyz"):
            assert (status(public + path), status(internal + path)) == (404, 200)
        assert (status(f"{public}/docs"), status(f"{internal}/docs")) == (200, 404)


@pytest.mark.port
@pytest.mark.parametrize(("more", "warns"), [((), True), (("--allowed-host", "127.0.0.1"), False)])
def test_a_list_of_origins_without_one_of_hosts_is_warned_of(more: tuple[str, ...], warns: bool) -> None:
    origins = ("--cors-origin", "https://shop.example", "--port", "0", "--store", "sqlite://")
    with serving(*origins, *more) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert ("DNS rebinding" in err) is warns
