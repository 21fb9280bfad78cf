"""`slysock serve`: a whole run of the server."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.slysock.cli.running import SERVED, client_of, run_main, serving, small_disk, stop, url_in, wait_for
from tests.slysock.telemetry.rendering import values_in


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


@pytest.mark.port
def test_a_second_server_says_who_has_the_file_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(*SERVED) as (process, _):
        assert run_main("serve", *SERVED, "--store-wait", "0") == 2
        err = capsys.readouterr().err
        assert err.startswith("slysock: cannot open the store sqlite:///chat.db: the database chat.db is in use by")
        assert f"process {process.pid} on " in err
        assert err.count("\n") == 1
        assert run_main("check", "--store", "sqlite:///chat.db") == 0
        assert run_main("backup", "copy.db", "--store", "sqlite:///chat.db") == 0
        assert run_main("token", "--user", "1", "--store", "sqlite:///chat.db") == 0
        assert run_main("demo", "--store", "sqlite:///chat.db") == 2
        assert "is in use by" in capsys.readouterr().err


@pytest.mark.port
def test_a_restart_that_overlaps_waits_for_the_server_before() -> None:
    command = [sys.executable, "-m", "slysock.cli", "serve", *SERVED]
    with serving(*SERVED) as (process, _):
        second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert second.stderr is not None
            assert second.stdout is not None
            told = second.stderr.readline()
            assert f"is in use by process {process.pid} on " in told
            assert "waiting for up to 15 s" in told
            stop(process, signal.SIGTERM)
            assert second.stdout.readline() == "slysock is ready\n"
        finally:
            second.kill()
            second.communicate()


@pytest.mark.port
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small disk is made by unshare(1)")
def test_on_a_real_small_disk_sends_and_uploads_are_refused_deletes_work_and_service_resumes() -> None:
    Path("disk").mkdir()
    options = [
        *SERVED,
        "--store",
        "sqlite:///disk/chat.db",
        "--media-path",
        "disk/media",
        "--min-free-bytes",
        "8000000",
    ]
    with serving(*options, within=small_disk("disk", "24m")) as (_, lines), client_of(url_in(lines)) as http:
        chat = http.post("/api/chat/create", json={"participantId": "ben"}).json()["data"]["_id"]
        picture = {"media": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(3_000_000))}
        message = f"/api/chat/{chat}/send"
        kept: list[str] = []
        while (sent := http.post(f"/api/chat/{chat}/send-media", files=picture)).status_code == 201:
            kept.append(sent.json()["data"]["_id"])
        assert (sent.status_code, sent.json()["success"]) == (507, False)
        assert 3 <= len(kept) <= 5
        while (sent := http.post(message, json={"content": "x" * 1000})).status_code == 201:
            pass
        refused = "There is no room for anything new at the moment, try again later"
        assert (sent.status_code, sent.json()) == (507, {"success": False, "message": refused})
        ready = http.get("/readyz")
        assert (ready.status_code, ready.json()["failed"]) == (503, ["media", "disk"])
        metrics = values_in(http.get("/metrics").content)
        assert 0 < metrics["slysock_store_free_bytes"] < 8_000_000
        assert 0 < metrics["slysock_media_free_bytes"] < 8_000_000
        assert http.delete(f"/api/chat/message/{kept[0]}").status_code == 200
        wait_for(lambda: http.post(message, json={"content": "x"}).status_code == 201)
        wait_for(lambda: http.get("/readyz").status_code == 200)


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
