"""Which names the server answers under.

A page cannot choose the `Host` of its requests, but whoever owns a name can let it point here (DNS rebinding): the page
is then on the same host as the server, whatever origins are listed.
"""

from collections.abc import Sequence
from typing import final

from slysock.http.cors import Request


@final
class AllowedHosts:
    """The names in `Config.allowed_hosts`; None: any."""

    def __init__(self, hosts: Sequence[str] | None) -> None:
        self._any = hosts is None
        named = [host.lower() for host in hosts or ()]
        self._names = frozenset(host for host in named if not host.startswith("*."))
        self._suffixes = tuple(host.removeprefix("*") for host in named if host.startswith("*."))

    def allows(self, request: Request) -> bool:
        """Tell whether a request names one of them, on whatever port."""
        return self._any or self._knows(host_name(request.header(b"host") or b""))

    def _knows(self, name: str) -> bool:
        return name in self._names or (name.endswith(self._suffixes) and not name.startswith("."))


def host_name(host: bytes) -> str:
    """Return the name in a `Host`: in lower case, without the port and the dot that may end it."""
    text = host.decode("latin-1").lower()
    name = text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]
    return name.removesuffix(".")
