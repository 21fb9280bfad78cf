"""Proxies in front of the server: whose word about a client counts, and what they say of it.

Sources: RFC 7239 (Forwarded). X-Forwarded-For, -Proto and -Host are described by no standard; each proxy appends to the
first what it has seen, and sets or appends to the other two.

Whatever comes from the left of these lists may be the client's own invention. So they are read from the right, as long
as the one who wrote an entry is trusted: the first address that is not a trusted proxy's is the client's.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import zip_longest
from typing import Final, TypeAlias, final

import msgspec

from slysock.config import UNIX_PEER

Headers: TypeAlias = list[tuple[bytes, bytes]]

MAX_HOPS: Final = 32
"""Entries that are looked at; no client comes through so many proxies of ours."""

_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(:[0-9]{1,5})?")
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](:[0-9]{1,5})?")
_PLAIN: Final = re.compile(r"([0-9.]{7,15})(:[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})")
_SECURE: Final = {b"https": True, b"wss": True, b"http": False, b"ws": False}


@final
class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What one proxy says of whoever came to it: None where it says nothing, or nothing that makes sense."""

    address: str | None = None
    secure: bool | None = None
    host: bytes | None = None


@final
class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the client has sent it, through whatever lies between: its Host is that which the client named."""

    address: str
    secure: bool
    headers: Headers


@final
class TrustedProxies:
    """The proxies whose word counts.

    Args:
        networks: as in `Config.trusted_proxies`: addresses, networks, and `unix` for whoever comes by a Unix socket.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._unix = UNIX_PEER in networks
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(network) for network in networks if network != UNIX_PEER
        ]

    def trusts(self, address: str) -> bool:
        """Tell whether a peer is such a proxy; the address of one on a Unix socket is empty."""
        if not address:
            return self._unix
        if not self._networks:  # as a rule; reading an address takes 5 µs
            return False
        found = _maybe_address(address.partition("%")[0])  # without the name of the interface
        return found is not None and any(found in network for network in self._networks)

    def see(self, headers: Headers, *, peer: str, secure: bool) -> Seen:
        """Find out who is behind a peer that is trusted, from the headers that it has sent."""
        address, host = peer, None
        for hop in _hops(headers):
            secure = secure if hop.secure is None else hop.secure
            host = host if hop.host is None else hop.host
            if hop.address is None:
                break
            address = hop.address
            if not self.trusts(address):
                break
        return Seen(address=address, secure=secure, headers=headers if host is None else _with_host(headers, host))


def _hops(headers: Headers) -> Iterator[Hop]:
    """Read what proxies have said, the nearest first.

    Where both kinds came, X-Forwarded-* counts: nearly all proxies set it, and many let a client's Forwarded pass.
    """
    addresses = _entries(headers, b"x-forwarded-for")
    forwarded = _entries(headers, b"forwarded")
    if forwarded and not addresses:
        yield from map(_read_forwarded, forwarded)
        return
    schemes, hosts = _entries(headers, b"x-forwarded-proto"), _entries(headers, b"x-forwarded-host")
    for address, scheme, host in zip_longest(addresses, schemes, hosts, fillvalue=b""):
        yield Hop(address=read_node(address), secure=_SECURE.get(scheme.lower()), host=_maybe_host(host))


def _entries(headers: Headers, wanted: bytes) -> list[bytes]:
    """Return the last entries of a list that may stand in several lines, the last one first."""
    entries: list[bytes] = []
    for name, value in reversed(headers):
        if name == wanted:
            room = MAX_HOPS - len(entries)
            entries += [entry.strip() for entry in reversed(value.rsplit(b",", room)[-room:] if room else ())]
    return entries


def _read_forwarded(entry: bytes) -> Hop:
    """Read one entry of `Forwarded`: `for=192.0.2.60;proto=https;host="shop.example:8443"`.

    Split at each semicolon, quoted or not, as none stands in what is looked for. A parameter that comes twice, which
    section 4 forbids, says nothing.
    """
    said: dict[bytes, bytes] = {}
    for pair in entry.split(b";", MAX_HOPS):
        name, _, value = pair.partition(b"=")
        name = name.strip().lower()
        said[name] = b"" if name in said else value.strip().removeprefix(b'"').removesuffix(b'"')
    return Hop(
        address=read_node(said.get(b"for", b"")),
        secure=_SECURE.get(said.get(b"proto", b"").lower()),
        host=_maybe_host(said.get(b"host", b"")),
    )


def read_node(node: bytes) -> str | None:
    """Read an address as proxies write it, with or without brackets and a port; None for anything else."""
    text = node.decode("latin-1")
    if found := _BRACKETED.fullmatch(text):
        address = _maybe_address(found[1])
    elif found := _PLAIN.fullmatch(text):
        address = _maybe_address(found[1] or found[3])
    else:
        return None
    return None if address is None else str(address)


def _maybe_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; an IPv4 address that comes as one of IPv6 is what it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _maybe_host(value: bytes) -> bytes | None:
    return value if _HOST.fullmatch(value) else None


def _with_host(headers: Headers, host: bytes) -> Headers:
    return [(b"host", host), *((name, value) for name, value in headers if name != b"host")]
