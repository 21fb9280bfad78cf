"""The command as a whole: its help, and errors as one line."""

from pathlib import Path

import pytest

from tests.slysock.cli.running import run_main


@pytest.mark.parametrize(
    ("arguments", "environment", "file", "words"),
    [
        (["serve", "--prot", "1"], {}, "", ["--prot"]),
        (["srve"], {}, "", ["srve"]),
        (["serve", "--port", "x"], {}, "", ["--port", "'x'"]),
        (["serve", "--port", "70000"], {}, "", ["--port"]),
        (["serve", "--system", "markt"], {}, "", ["markt", "did you mean marketplace?"]),
        (["serve", "--system", "qqqq"], {}, "", ["qqqq", "choose from marketplace"]),
        (["serve", "--transport", "pigeon"], {}, "", ["pigeon", "polling, websocket"]),
        (["serve", "--path", "x"], {}, "", ["slash"]),
        (["serve", "--ping-interval-seconds", "0"], {}, "", ["--ping-interval-seconds"]),
        (["serve", "--path", "/x?y"], {}, "", ["path", "/x?y"]),
        (["serve", "--ping-timeout-seconds", "inf"], {}, "", ["ping_timeout_seconds", "2147483"]),
        (["serve", "--media-path", "/dev/null/media"], {}, "", ["/dev/null/media", "media_path", "Not a directory"]),
        (["serve", "--jwt-old-secret", "a", "--jwt-public-key", "b"], {}, "", ["--jwt-old-secret"]),
        (["serve", "--keyfile", "k"], {}, "", ["--certfile"]),
        (["serve", "--jwt-secret", "a", "--jwt-public-key", "b"], {}, "", ["choose one"]),
        (["serve", "--jwt-public-key", "none.pem"], {}, "", ["none.pem", "No such file"]),
        (["serve", "--store", "nosuch:///x"], {}, "", ["nosuch:///x", "sqlite:///PATH"]),
        (["serve", "--store", "sqlite:////dev/null/chat.db"], {}, "", ["/dev/null", "File exists"]),
        (["serve", "--config", "none.toml"], {}, "", ["none.toml", "No such file"]),
        (["serve", "--config", "s.toml"], {}, "port = ", ["s.toml", "is not TOML"]),
        (["serve", "--config", "s.toml"], {}, "prot = 1", ["s.toml", "prot", "did you mean port?"]),
        (["serve", "--config", "s.toml"], {}, "port = true", ["s.toml", "port", "a whole number"]),
        (["serve", "--config", "s.toml"], {}, "host = 1", ["s.toml", "host", "a string"]),
        (["serve", "--config", "s.toml"], {}, "host = ['a']", ["s.toml", "host", "a string"]),
        (["serve", "--config", "s.toml"], {}, "cors_origin = 1", ["s.toml", "cors_origin", "list of strings"]),
        (["serve", "--config", "s.toml"], {}, "allow_upgrades = 'no'", ["allow_upgrades", "true or false"]),
        (["serve", "--config", "s.toml"], {}, "system = ['x']", ["unknown system 'x'"]),
        (["token", "--user", "1", "--config", "s.toml"], {}, "prot = 1", ["prot"]),
        (["serve"], {"SLYSOCK_PROT": "1"}, "", ["SLYSOCK_PROT", "did you mean SLYSOCK_PORT?"]),
        (["token", "--user", "1"], {"SLYSOCK_X": "1"}, "", ["SLYSOCK_X"]),
        (["serve"], {"SLYSOCK_PORT": "x"}, "", ["'x'"]),
        (["serve"], {"SLYSOCK_PORT": "tcp:3000"}, "", ["'tcp:3000'"]),
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


def test_version_and_help_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["--help"], [], ["serve", "--help"], ["token", "--help"]):
        assert run_main(*arguments) == 0
    out = capsys.readouterr().out
    assert "slysock 0." in out
    assert "Where to listen:" in out
    assert "SLYSOCK_JWT_SECRET" in out
