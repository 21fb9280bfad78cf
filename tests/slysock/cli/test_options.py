"""Options: flags, variables and the file, and which of them wins."""

import json
from pathlib import Path

import click
import pytest

from slysock import Config
from slysock.cli.options import KNOWN, NOT_FOR_OPERATORS, PLURALS, SERVE
from slysock.cli.serve_command import serve
from slysock.cli.settings import Settings, SettingsError, read_settings
from slysock.config import RATES
from slysock.systems import SYSTEMS


def settings_of(*arguments: str) -> Settings:
    """Parse arguments of `serve` as click does, and stop there."""
    with serve.make_context("serve", list(arguments)) as context:
        return read_settings(context.params)


def test_defaults_are_those_of_the_server() -> None:
    settings = settings_of()
    assert settings.config == Config()
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 3000)
    assert settings.tokens.store == "sqlite:///var/slysock.db"
    assert settings.systems == tuple(SYSTEMS)


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


def test_the_address_of_a_service_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLYSOCK_PORT", "tcp://10.0.0.11:3000")
    assert settings_of().listen.port == 3000
    assert settings_of("--port", "4000").listen.port == 4000


@pytest.mark.parametrize(
    "option", ["ping_interval_seconds = inf", "max_connections = 1.5", "port = 3000.5", "path = '/x?y'"]
)
def test_a_number_in_the_file_is_not_rounded_to_one_that_fits(option: str) -> None:
    Path("s.toml").write_text(option)
    with pytest.raises((SettingsError, click.ClickException), match=option.partition(" ")[0]):
        settings_of("--config", "s.toml")


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


def test_proxies_and_hosts_are_lists() -> None:
    config = settings_of("--trusted-proxy", "10.0.0.0/8,unix", "--allowed-host", "a.example").config
    assert (config.trusted_proxies, config.allowed_hosts) == (["10.0.0.0/8", "unix"], ["a.example"])
    for arguments in (["--trusted-proxy", "proxy.example"], ["--allowed-host", "a:1"], ["--internal", "9000"]):
        with pytest.raises(SettingsError, match=arguments[1]):
            settings_of(*arguments)


def test_every_setting_of_the_server_is_an_option_in_all_three_places() -> None:
    settable = set(Config.__struct_fields__) - set(NOT_FOR_OPERATORS)
    assert {PLURALS.get(name, name) for name in settable} <= set(KNOWN)
    for section in SERVE.values():
        for option in section:
            assert option.envvar == f"SLYSOCK_{str(option.name).upper()}"
            assert option.help


def test_rates_are_a_section_of_their_own_and_can_be_lifted() -> None:
    names = [option.name for option in SERVE["Rates"]]
    assert names == [*RATES, "burst_seconds"]
    assert settings_of("--user-events-per-second", "1000000000").config.user_events_per_second == 1_000_000_000
    for number in ("0", "1.5", "none"):
        with pytest.raises(click.BadParameter):
            settings_of("--client-joins-per-second", number)
