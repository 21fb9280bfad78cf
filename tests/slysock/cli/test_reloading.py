"""SIGHUP: what a server takes on while it runs, and that it lives whatever it finds."""

import json
import logging
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from slysock.cli.keys import load_tls
from slysock.cli.reloading import Reloading
from slysock.cli.serve_command import serve
from slysock.cli.settings import Settings, SettingsError, read_settings
from slysock.identity import RemoteKeys, TokenInvalid, Tokens, make_token, secret_key
from tests.slysock.cli.certificates import name_in, write_certificate
from tests.slysock.cli.running import serving

OLD, NEW = "old" * 12, "new" * 12


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


def read() -> Settings:
    with serve.make_context("serve", ["--config", "s.toml"]) as context:
        return read_settings(context.params)


def reloading(tls: ssl.SSLContext | None = None) -> tuple[Reloading, Tokens]:
    """A server's settings, as far as they are reloaded, from a file that says less than it may."""
    tokens = Tokens(secret_key(OLD))
    return Reloading(read(), read, tokens, tls), tokens


async def is_good(tokens: Tokens, secret: str) -> bool:
    token = make_token(secret, {"userId": 5}, now=time.time(), expires_in_seconds=60)
    try:
        await tokens.verify(token)
    except TokenInvalid:
        return False
    return True


async def test_secrets_and_the_log_level_are_taken_from_the_file_as_it_is_now() -> None:
    file = Path("s.toml")
    file.write_text(f"jwt_secret = '{OLD}'")
    made, tokens = reloading()
    file.write_text(f"jwt_secret = '{NEW}'\njwt_old_secret = '{OLD}'\nlog_level = 'DEBUG'")
    made.reload()
    assert (await is_good(tokens, NEW), await is_good(tokens, OLD)) == (True, True)
    assert logging.getLogger().level == logging.DEBUG
    file.write_text(f"jwt_secret = '{NEW}'")
    made.reload()
    assert (await is_good(tokens, NEW), await is_good(tokens, OLD)) == (True, False)
    assert logging.getLogger().level == logging.INFO


async def test_a_kept_secret_is_made_anew_where_it_was_removed() -> None:
    Path("s.toml").write_text("store = 'sqlite:///chat.db'")
    made, tokens = reloading()
    made.reload()
    kept = Path("chat.db.jwt-secret")
    first = kept.read_text().strip()
    assert await is_good(tokens, first)
    kept.unlink()
    made.reload()
    assert not await is_good(tokens, first)
    assert await is_good(tokens, kept.read_text().strip())


@pytest.mark.parametrize(
    "text",
    [
        "jwt_secret = ",
        "jwt_secret = ''",
        f"jwt_secret = '{NEW}'\nping_timeout_seconds = 'x'",
        f"jwt_secret = '{NEW}'\nunknown = 1",
        f"jwt_secret = '{NEW}'\nlog_level = 'LOUD'",
        f"jwt_secret = '{NEW}'\ncertfile = 'none.pem'",
        "jwt_public_key = 'none.pem'",
    ],
)
async def test_what_cannot_be_used_is_one_line_in_the_log_and_nothing_changes(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = Path("s.toml")
    file.write_text(f"jwt_secret = '{OLD}'")
    made, tokens = reloading()
    file.write_text(text)
    made.reload()
    assert await is_good(tokens, OLD)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith("nothing is reloaded: ")
    assert record.exc_info is None
    assert NEW not in caplog.text


def test_whatever_else_goes_wrong_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Path("s.toml").touch()

    def fail() -> Settings:
        raise RecursionError

    Reloading(read(), fail, Tokens(secret_key(OLD)), None).reload()
    assert "nothing is reloaded" in caplog.text
    assert "RecursionError" in caplog.text


def test_keys_at_the_same_url_are_kept_as_they_rotate_by_themselves() -> None:
    Path("s.toml").write_text("jwt_jwks_url = 'https://a.example/keys'")
    made, tokens = reloading()
    before = tokens.keys
    made.reload()
    assert tokens.keys is before
    Path("s.toml").write_text("jwt_jwks_url = 'https://b.example/keys'")
    made.reload()
    assert isinstance(tokens.keys, RemoteKeys)


def test_half_of_a_new_certificate_leaves_the_old_one_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("one", "two"):
        write_certificate(tmp_path / f"{name}.pem", name)
    Path("s.toml").write_text("certfile = 'one.pem'\nkeyfile = 'one.pem'")
    tls = load_tls(Path("one.pem"), None)
    assert tls is not None
    made, _ = reloading(tls)
    Path("s.toml").write_text("certfile = 'two.pem'\nkeyfile = 'one.pem'")
    made.reload()
    assert "two.pem and its key cannot be used" in caplog.text
    assert shown_by(tls) == "one"
    Path("s.toml").write_text("certfile = 'two.pem'")
    made.reload()
    assert shown_by(tls) == "two"


def shown_by(tls: ssl.SSLContext) -> str:
    """Shake hands in memory and read whose certificate comes."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = no_questions().wrap_bio(down, up)
    server = tls.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return name_in(certificate)


def no_questions() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.port
def test_sighup_changes_what_a_process_serves_by_and_never_ends_it(tmp_path: Path) -> None:
    certificate, file = tmp_path / "chat.pem", tmp_path / "s.toml"
    write_certificate(certificate, "one")
    file.write_text(f"jwt_secret = '{OLD}'")
    arguments = ("--config", "s.toml", "--port", "0", "--certfile", "chat.pem", "--store", "sqlite://")
    with serving(*arguments) as (process, lines):
        port = int(next(line for line in lines if "https://" in line).rpartition(":")[2])
        assert (name_at(port), status_at(port, NEW)) == ("one", 401)
        write_certificate(certificate, "two")
        file.write_text(f"jwt_secret = '{NEW}'")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert "are reloaded" in process.stderr.readline()
        assert (name_at(port), status_at(port, NEW)) == ("two", 200)
        certificate.write_text("nonsense")
        process.send_signal(signal.SIGHUP)
        assert "nothing is reloaded: " in process.stderr.readline()
        assert (name_at(port), status_at(port, NEW)) == ("two", 200)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


def name_at(port: int) -> str:
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        no_questions().wrap_socket(plain) as wrapped,
    ):
        certificate = wrapped.getpeercert(binary_form=True)
    assert certificate is not None
    return name_in(certificate)


def status_at(port: int, secret: str) -> int:
    token = make_token(secret, {"userId": 5}, now=time.time(), expires_in_seconds=60)
    request = urllib.request.Request(
        f"https://127.0.0.1:{port}/api/chat/my-chats", headers={"authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, context=no_questions()) as answer:
            assert isinstance(json.load(answer), dict)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_mistake_in_the_settings_is_what_the_file_says() -> None:
    Path("s.toml").write_text("unknown = 1")
    with pytest.raises(SettingsError, match="unknown"):
        read()
