"""Config: defaults that work, and numbers that do not are found when it is made."""

import math

import msgspec
import pytest

from slysock import Config
from slysock.config import RATES

NUMBERS = [name for name in Config.__struct_fields__ if type(getattr(Config(), name)) in (int, float)]


def test_default_values_are_those_of_node() -> None:
    config = Config()
    assert (config.path, config.ping_interval_seconds, config.ping_timeout_seconds) == ("/socket.io/", 25, 20)
    assert (config.max_payload_bytes, config.connect_timeout_seconds) == (1_000_000, 45)
    assert (config.upgrade_timeout_seconds, config.transports) == (10, ("polling", "websocket"))


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="pingInterval"):
        Config(pingInterval=3)  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 2**53])
def test_every_number_has_bounds(name: str, value: float) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        Config(**{name: value})


def test_there_are_numbers_to_check() -> None:
    assert len(NUMBERS) > 15


@pytest.mark.parametrize("name", [name for name in NUMBERS if name.endswith("_seconds") and "ping" not in name])
def test_times_are_milliseconds_that_timers_of_clients_can_keep(name: str) -> None:
    for value in (0.001, 1, 2_147_483):
        assert getattr(Config(**{name: value}), name) == value
    for value in (0.000_9, 2_147_484):
        with pytest.raises(ValueError, match=rf"{name} must be between 0\.001 and 2147483"):
            Config(**{name: value})


def test_a_client_can_wait_for_ping_interval_and_ping_timeout_together() -> None:
    Config(ping_interval_seconds=2_147_482, ping_timeout_seconds=1)
    with pytest.raises(ValueError, match="together must be at most 2147483"):
        Config(ping_interval_seconds=2_147_482, ping_timeout_seconds=1.001)


@pytest.mark.parametrize("name", [name for name in NUMBERS if not name.endswith("_seconds")])
def test_counts_and_sizes_are_whole_numbers_that_clients_read_as_they_were_sent(name: str) -> None:
    fitting = {"max_outbox_bytes": 1, "max_outbox_hard_bytes": 2**53 - 1}
    for value in (1, 2**53 - 1):
        assert getattr(Config(**{**fitting, name: value}), name) == value
    with pytest.raises(TypeError, match=f"{name}: Expected `int`, got `float`"):
        Config(**{name: 1.5})


@pytest.mark.parametrize("name", Config.__struct_fields__)
@pytest.mark.parametrize("value", [b"25", object(), 25j, [[]], {"a": 1}])
def test_a_value_of_another_type_is_refused_by_the_name_of_its_option(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name}: "):
        Config(**{name: value})  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ping_interval_seconds", "25"),
        ("ping_interval_seconds", True),
        ("max_connections", "100"),
        ("max_connections", True),
        ("allow_upgrades", 1),
        ("allow_upgrades", "no"),
        ("path", 5),
        ("transports", "polling"),
        ("transports", ["webtransport"]),
        ("parser", "xml"),
        ("cors_origins", "https://example.org"),
        ("cors_origins", [5]),
    ],
)
def test_what_only_looks_like_a_value_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name}: "):
        Config(**{name: value})  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    "path",
    ["", "//", "socket.io", "/x?y", "/x#y", "/a b", "/a//b", "/../x", "/x/.", "/%78", "/x\n", "/ä/", "/x\0"],
)
def test_a_path_that_no_request_can_have_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Config(path=path)


@pytest.mark.parametrize("path", ["/", "/x", "/x/", "/socket.io/v1/", "/..a/", "/~me/a_b-c"])
def test_a_path_that_every_client_sends_as_it_stands_is_taken(path: str) -> None:
    assert Config(path=path).path == path


def test_there_must_be_a_transport() -> None:
    with pytest.raises(ValueError, match="transports"):
        Config(transports=())


def test_the_hard_limit_of_an_outbox_is_not_below_the_soft_one() -> None:
    assert Config(max_outbox_bytes=1000, max_outbox_hard_bytes=1000).max_outbox_bytes == 1000
    with pytest.raises(ValueError, match="max_outbox_hard_bytes must not be less"):
        Config(max_outbox_bytes=1001, max_outbox_hard_bytes=1000)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "Null",
        "null/",
        "shop.example",
        "https://Shop.example",
        "https://shop.example/path",
        "https://*",
        "https://*.",
        "https://*shop.example",
        "https://a.*.example",
        "https://*.*.example",
        "https://a b",
    ],
)
def test_an_origin_that_no_browser_writes_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"is no origin .* leave cors_origins out"):
        Config(cors_origins=["https://example.org", origin])


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "http://localhost:5173/",
        "http://[::1]:80",
        "capacitor://localhost",
        "https://*.shop.example",
        "https://*.shop.example:8443",
        "null",
    ],
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


def test_every_rate_is_named_as_one() -> None:
    named = [name for name in Config.__struct_fields__ if name.endswith("_per_second")]
    assert [name for name in named if not name.startswith("min_")] == list(RATES), "a least rate limits nobody"


@pytest.mark.parametrize("host", ["shop.example", "Shop.example", "*.shop.example", "localhost", "192.0.2.1", "[::1]"])
def test_a_name_or_an_address_is_a_host_that_can_be_allowed(host: str) -> None:
    assert Config(allowed_hosts=[host]).allowed_hosts == [host]


@pytest.mark.parametrize("host", ["", "*", "*.", "shop.example:443", "https://shop.example", "a..b", "a b", "::1"])
def test_what_no_request_names_cannot_be_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        Config(allowed_hosts=[host])


@pytest.mark.parametrize("network", ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "unix"])
def test_addresses_networks_and_unix_sockets_can_be_trusted(network: str) -> None:
    assert Config(trusted_proxies=[network]).trusted_proxies == [network]


@pytest.mark.parametrize("network", ["", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*", "Unix"])
def test_what_is_no_network_cannot_be_trusted(network: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Config(trusted_proxies=[network])


def test_the_check_of_origins_must_not_be_one_that_has_to_be_awaited() -> None:
    async def check(origin: str) -> bool:
        return bool(origin)

    with pytest.raises(TypeError, match="cors_origin_check must be a plain function"):
        Config(cors_origin_check=check)  # type: ignore[arg-type]  # the mistake under test
