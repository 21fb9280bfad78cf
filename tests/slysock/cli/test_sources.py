"""The environment and the file."""

from pathlib import Path

import pytest

from slysock.cli.settings import SettingsError
from slysock.cli.sources import is_service_address, read_file, refuse_unknown_variables

KNOWN = {"port", "host", "cors_origin", "allow_upgrades", "ping_timeout_seconds"}


def test_known_variables_and_those_of_others_are_fine() -> None:
    refuse_unknown_variables({"SLYSOCK_PORT": "1", "PATH": "/bin", "_SLYSOCK_COMPLETE": "x"}, KNOWN)


OF_KUBERNETES = {
    "SLYSOCK_SERVICE_HOST": "10.0.0.11",
    "SLYSOCK_SERVICE_PORT": "3000",
    "SLYSOCK_SERVICE_PORT_HTTP": "3000",
    "SLYSOCK_PORT": "tcp://10.0.0.11:3000",
    "SLYSOCK_PORT_3000_TCP": "tcp://10.0.0.11:3000",
    "SLYSOCK_PORT_3000_TCP_PROTO": "tcp",
    "SLYSOCK_PORT_3000_TCP_PORT": "3000",
    "SLYSOCK_PORT_3000_TCP_ADDR": "10.0.0.11",
    "SLYSOCK_PORT_53_UDP": "udp://[fd00::1]:53",
    "SLYSOCK_REDIS_SERVICE_HOST": "10.0.0.12",
    "SLYSOCK_REDIS_PORT": "tcp://10.0.0.12:6379",
    "SLYSOCK_REDIS_PORT_6379_TCP_ADDR": "10.0.0.12",
}


def test_what_kubernetes_sets_for_services_of_our_name_is_not_ours() -> None:
    refuse_unknown_variables(OF_KUBERNETES, KNOWN)


def test_what_our_own_tests_ask_for_is_no_setting() -> None:
    refuse_unknown_variables({"SLYSOCK_TEST_MONGOD": "/bin/mongod"}, KNOWN)


@pytest.mark.parametrize("name", ["SLYSOCK_PORTS", "SLYSOCK_TESTS", "SLYSOCK_PORT_X_TCP", "SLYSOCK_SERVICE"])
def test_what_only_resembles_them_is_still_a_mistake(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        refuse_unknown_variables({name: "1"}, KNOWN)


def test_a_port_is_told_from_the_address_of_a_service() -> None:
    assert is_service_address("SLYSOCK_PORT", "tcp://10.0.0.11:3000")
    assert not is_service_address("SLYSOCK_PORT", "3000")
    assert not is_service_address("SLYSOCK_PORT", "tcp:3000")
    assert not is_service_address("SLYSOCK_HOST", "tcp://10.0.0.11:3000")


def test_a_misspelt_variable_is_refused_with_a_guess() -> None:
    with pytest.raises(SettingsError, match=r"unknown setting SLYSOCK_PROT; did you mean SLYSOCK_PORT\?"):
        refuse_unknown_variables({"SLYSOCK_PROT": "1"}, KNOWN)


def test_a_file_gives_its_values(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'port = 1\nhost = "h"\ncors_origin = ["a", "b"]\nallow_upgrades = false\nping_timeout_seconds = 0.5'
    )
    assert read_file(file, KNOWN) == {
        "port": 1,
        "host": "h",
        "cors_origin": ["a", "b"],
        "allow_upgrades": False,
        "ping_timeout_seconds": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = ", "is not TOML"),
        ("prot = 1", "unknown setting prot; did you mean port"),
        ("[server]\nport = 1", "unknown setting server"),
        ("port = 1979-05-27", "a setting is a string, a number"),
        ("port = [1]", "a setting is a string, a number"),
        ("\udcff", "is not TOML"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=message) as caught:
        read_file(file, KNOWN)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*No such file"):
        read_file(tmp_path / "none.toml", KNOWN)
