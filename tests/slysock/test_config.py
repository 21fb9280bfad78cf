"""Config: defaults that work, and numbers that do not are found when it is made."""

import math

import msgspec
import pytest

from slysock import Config

NUMBERS = [
    name for name in Config.__struct_fields__ if isinstance(getattr(Config(), name), int | float) and name[0] != "a"
]


def test_default_values_are_those_of_node() -> None:
    config = Config()
    assert (config.path, config.ping_interval_seconds, config.ping_timeout_seconds) == ("/socket.io/", 25, 20)
    assert (config.max_payload_bytes, config.connect_timeout_seconds) == (1_000_000, 45)
    assert (config.upgrade_timeout_seconds, config.transports) == (10, ("polling", "websocket"))


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="pingInterval"):
        Config(pingInterval=3)  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_every_number_must_be_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        Config(**{name: value})


def test_there_are_numbers_to_check() -> None:
    assert len(NUMBERS) > 15


@pytest.mark.parametrize("path", ["", "socket.io"])
def test_a_path_must_start_with_a_slash(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Config(path=path)


def test_the_path_may_be_the_root() -> None:
    assert Config(path="/").path == "/"


@pytest.mark.parametrize("transports", [(), ("webtransport",), "polling"])
def test_transports_must_be_known_and_not_none_at_all(transports: object) -> None:
    with pytest.raises(ValueError, match="transports"):
        Config(transports=transports)  # type: ignore[arg-type]  # the mistake under test


def test_the_hard_limit_of_an_outbox_is_not_below_the_soft_one() -> None:
    assert Config(max_outbox_bytes=1000, max_outbox_hard_bytes=1000).max_outbox_bytes == 1000
    with pytest.raises(ValueError, match="max_outbox_hard_bytes must not be less"):
        Config(max_outbox_bytes=1001, max_outbox_hard_bytes=1000)


def test_the_parser_must_be_known() -> None:
    with pytest.raises(ValueError, match="parser"):
        Config(parser="xml")  # type: ignore[arg-type]  # the mistake under test


def test_one_origin_as_bare_text_is_refused_and_not_taken_for_its_letters() -> None:
    with pytest.raises(TypeError, match="cors_origins"):
        Config(cors_origins="https://example.org")


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "shop.example",
        "https://Shop.example",
        "https://shop.example/path",
        "https://*.example",
        "https://a b",
    ],
)
def test_an_origin_that_no_browser_writes_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"is no origin .* leave cors_origins out"):
        Config(cors_origins=["https://example.org", origin])


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "http://localhost:5173/", "http://[::1]:80", "capacitor://localhost"]
)
def test_an_origin_as_browsers_and_apps_write_it_is_taken(origin: str) -> None:
    assert Config(cors_origins=[origin]).cors_origins == [origin]


def test_booleans_are_no_numbers() -> None:
    assert not Config(allow_upgrades=False).allow_upgrades


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().path = "/other/"  # type: ignore[misc]  # the mistake under test


def test_a_config_can_be_varied() -> None:
    assert msgspec.structs.replace(Config(), max_payload_bytes=5).max_payload_bytes == 5
