"""Whom an address stands for, where something is counted for each: one host, or all of one network."""

from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, final

from slysock.http.proxies import TrustedProxies

_NETWORK_BITS: Final = 64
"""Of IPv6: whoever has one address has all of its /64 (RFC 6177, section 2: a site is given no less)."""


@final
class AddressGroups:
    """Says who counts as one.

    Args:
        proxies: whoever comes from their own addresses is many, and nobody is to blame for the others.
    """

    def __init__(self, proxies: TrustedProxies) -> None:
        self._proxies = proxies

    def group_of(self, address: str) -> str | None:
        """Return what an address is counted under, for IPv6 its /64; None for one that nothing is counted of.

        These are this machine's own (loopback), those of trusted proxies, and the lack of one on a Unix socket.
        """
        if not address or self._proxies.trusts(address):
            return None
        return _group_of_v6(address) if ":" in address else None if address.startswith("127.") else address


@lru_cache(maxsize=1024)  # one is asked for several times when its client comes, and it takes 5 µs
def _group_of_v6(text: str) -> str | None:
    try:
        address = IPv6Address(text.partition("%")[0])  # without the name of the interface
    except ValueError:  # whatever a program calls its streams
        return text
    if address.ipv4_mapped is not None:  # what a listener for both families calls one of IPv4
        return None if address.ipv4_mapped.is_loopback else str(address.ipv4_mapped)
    if address.is_loopback:
        return None
    network = int(address) >> 128 - _NETWORK_BITS << 128 - _NETWORK_BITS
    return f"{IPv6Address(network)}/{_NETWORK_BITS}"
