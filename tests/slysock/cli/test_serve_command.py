"""The command line: precedence, errors as one line, and a whole run of the server."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest

from slysock import Config
from slysock.cli import main
from slysock.cli.options import KNOWN, SERVE
from slysock.cli.serve_command import serve
from slysock.cli.serve_settings import Settings, read_settings
from slysock.cli.settings import SettingsError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where nothing is, with nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLYSOCK_"):
            monkeypatch.delenv(name)
    return tmp_path


def settings_of(*arguments: str) -> Settings:
    """Parse arguments of `serve` as click does, and stop there."""
    with serve.make_context("serve", list(arguments)) as context:
        return read_settings(context.params)


def run_main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


# -- settings --------------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_server() -> None:
    settings = settings_of()
    assert settings.config == Config()
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 3000)
    assert settings.tokens.store == "sqlite:///var/slysock.db"
    assert settings.systems == ("marketplace", "services", "pets", "support")


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "s.toml"
    file.write_text('port = 1\nhost = "from-file"\njwt_issuer = "from-file"\nping_timeout_seconds = 3\n')
    monkeypatch.setenv("SLYSOCK_CONFIG", str(file))
    monkeypatch.setenv("SLYSOCK_PORT", "2")
    monkeypatch.setenv("SLYSOCK_HOST", "from-environment")
    settings = settings_of("--port", "3")
    assert settings.listen.port == 3
    assert settings.listen.host == "from-environment"
    assert settings.tokens.jwt_issuer == "from-file"
    assert settings.config.ping_timeout_seconds == 3


@pytest.mark.parametrize("how", ["flags", "one flag", "environment", "file", "file as text"])
def test_lists_may_be_given_in_each_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    arguments: list[str] = []
    if how == "flags":
        arguments = ["--cors-origin", "https://a.example", "--cors-origin", "https://b.example"]
    elif how == "one flag":
        arguments = ["--cors-origin", "https://a.example, https://b.example"]
    elif how == "environment":
        monkeypatch.setenv("SLYSOCK_CORS_ORIGIN", "https://a.example,https://b.example")
    else:
        value = ["https://a.example", "https://b.example"]
        text = json.dumps(value if how == "file" else ",".join(value))
        (tmp_path / "s.toml").write_text(f"cors_origin = {text}")
        arguments = ["--config", "s.toml"]
    assert settings_of(*arguments).config.cors_origins == ["https://a.example", "https://b.example"]


def test_a_star_is_any_origin_and_stands_alone() -> None:
    assert settings_of("--cors-origin", "*").config.cors_origins is None
    assert settings_of("--cors-origin", "https://a.example").config.cors_origins == ["https://a.example"]
    with pytest.raises(SettingsError, match="either"):
        settings_of("--cors-origin", "*", "--cors-origin", "https://a.example")


def test_every_setting_of_the_server_is_an_option_in_all_three_places() -> None:
    plural = {"cors_origins": "cors_origin", "transports": "transport"}
    assert {plural.get(name, name) for name in Config.__struct_fields__} <= set(KNOWN)
    for section in SERVE.values():
        for option in section:
            assert option.envvar == f"SLYSOCK_{str(option.name).upper()}"
            assert option.help


@pytest.mark.parametrize(
    ("arguments", "environment", "file", "words"),
    [
        (["serve", "--prot", "1"], {}, "", ["--prot"]),
        (["srve"], {}, "", ["srve"]),
        (["serve", "--port", "x"], {}, "", ["--port", "'x'"]),
        (["serve", "--port", "70000"], {}, "", ["--port"]),
        (["serve", "--system", "markt"], {}, "", ["markt", "did you mean marketplace?"]),
        (["serve", "--system", "qqqq"], {}, "", ["qqqq", "there is marketplace"]),
        (["serve", "--transport", "pigeon"], {}, "", ["pigeon", "polling, websocket"]),
        (["serve", "--path", "x"], {}, "", ["slash"]),
        (["serve", "--ping-interval-seconds", "0"], {}, "", ["--ping-interval-seconds"]),
        (["serve", "--keyfile", "k"], {}, "", ["--certfile"]),
        (["serve", "--jwt-secret", "a", "--jwt-public-key", "b"], {}, "", ["choose one"]),
        (["serve", "--jwt-public-key", "none.pem"], {}, "", ["none.pem", "No such file"]),
        (["serve", "--store", "nosuch:///x"], {}, "", ["nosuch:///x", "sqlite:///PATH"]),
        (["serve", "--store", "sqlite:////dev/null/chat.db"], {}, "", ["/dev/null", "File exists"]),
        (["serve", "--config", "none.toml"], {}, "", ["none.toml", "No such file"]),
        (["serve", "--config", "s.toml"], {}, "port = ", ["s.toml", "is not TOML"]),
        (["serve", "--config", "s.toml"], {}, "prot = 1", ["s.toml", "prot", "did you mean port?"]),
        (["serve", "--config", "s.toml"], {}, "port = true", ["s.toml", "port", "a number"]),
        (["serve", "--config", "s.toml"], {}, "host = 1", ["s.toml", "host", "a text"]),
        (["serve", "--config", "s.toml"], {}, "host = ['a']", ["s.toml", "host", "a text"]),
        (["serve", "--config", "s.toml"], {}, "cors_origin = 1", ["s.toml", "cors_origin", "list of texts"]),
        (["serve", "--config", "s.toml"], {}, "allow_upgrades = 'no'", ["allow_upgrades", "true or false"]),
        (["serve", "--config", "s.toml"], {}, "system = ['x']", ["no system is called 'x'"]),
        (["token", "--user", "1", "--config", "s.toml"], {}, "prot = 1", ["prot"]),
        (["serve"], {"SLYSOCK_PROT": "1"}, "", ["SLYSOCK_PROT", "did you mean SLYSOCK_PORT?"]),
        (["token", "--user", "1"], {"SLYSOCK_X": "1"}, "", ["SLYSOCK_X"]),
        (["serve"], {"SLYSOCK_PORT": "x"}, "", ["'x'"]),
        (["token"], {}, "", ["--user"]),
        (["token", "--user", "1", "--expires", "5y"], {}, "", ["5y", "7d"]),
        (["token", "--user", "1", "--expires", "0"], {}, "", ["'0'"]),
        (["token", "--user", "1", "--jwt-public-key", "k.pem"], {}, "", ["private key"]),
    ],
)
def test_what_the_caller_can_put_right_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: dict[str, str],
    file: str,
    words: list[str],
) -> None:
    Path("s.toml").write_text(file)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run_main(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("slysock: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


# -- token -----------------------------------------------------------------------------------------------------------


def test_token_prints_the_token_only_and_keeps_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("token", "--user", "5", "--role", "VENDOR", "--name", "Ada", "--expires", "7d") == 0
    out, err = capsys.readouterr()
    assert out.count(".") == 2
    assert out.count("\n") == 1
    assert "made a secret and kept it in var/slysock.db.jwt-secret" in err
    claims = claims_of(out.strip(), Path("var/slysock.db.jwt-secret").read_text().strip())
    expires_at, issued_at = claims.pop("exp"), claims.pop("iat")
    assert isinstance(expires_at, int)
    assert isinstance(issued_at, int)
    assert expires_at - issued_at == 7 * 86_400
    assert claims == {"userId": 5, "role": "VENDOR", "name": "Ada"}
    assert run_main("token", "--user", "u-1") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert claims_of(out.strip(), Path("var/slysock.db.jwt-secret").read_text().strip())["userId"] == "u-1"


def claims_of(token: str, secret: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, secret, algorithms=["HS256"])
    return claims


def test_version_and_help_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["--help"], [], ["serve", "--help"], ["token", "--help"]):
        assert run_main(*arguments) == 0
    out = capsys.readouterr().out
    assert "slysock 0." in out
    assert "Where to listen:" in out
    assert "SLYSOCK_JWT_SECRET" in out


# -- serve -----------------------------------------------------------------------------------------------------------


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `slysock serve` and give it with what it said when it was ready."""
    command = [sys.executable, "-m", "slysock.cli", "serve", *arguments]
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
