"""What an address is counted under."""

import pytest

from slysock.http.addresses import AddressGroups
from slysock.http.proxies import TrustedProxies

GROUPS = AddressGroups(TrustedProxies(["10.0.0.0/8", "2001:db8:9::1", "unix"]))


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:9::2", "2001:db8:9::/64"),
        ("a:stream", "a:stream"),
    ],
)
def test_a_host_is_one_and_of_ipv6_a_network(address: str, group: str) -> None:
    assert GROUPS.group_of(address) == group


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8:9::1"],
)
def test_nothing_is_counted_of_this_machine_and_of_trusted_proxies(address: str) -> None:
    assert GROUPS.group_of(address) is None


def test_nothing_is_counted_of_a_unix_socket_though_nobody_is_trusted() -> None:
    assert AddressGroups(TrustedProxies()).group_of("") is None
