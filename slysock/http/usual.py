"""The head that nearly every WebSocket begins with, read without h11, which takes ten times as long.

What is taken here h11 would take, too, and read in the same way; whatever is less than usual is h11's to judge. Usual
is a GET in HTTP/1.1 that asks for an upgrade and came in one piece, without a line that is folded, ends in a bare LF or
comes twice, and without anything that could frame a body.
"""

import re
from typing import Final

from slysock.http.head import BadHead, Head, read_head
from slysock.http.proxies import TrustedProxies

# RFC 9112, sections 3 and 5. Possessive: no byte could be taken by another part, so there is nothing to go back for.
_HEAD: Final = re.compile(
    rb"GET (/[!-~]*+) HTTP/1\.1\r\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n){1,64})\r\n"
)
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})


def read_usual(
    data: bytes, *, max_bytes: int, peer: str, secure: bool, proxies: TrustedProxies | None
) -> tuple[Head, bytes] | None:
    """Read what a connection begins with, if that is a usual head; else return None.

    Args:
        data: all that has come.
        max_bytes: most of a head.
        peer: as for `read_head`, like `secure` and `proxies`.
        secure: see above.
        proxies: see above.

    Returns:
        The head, and what has come behind it.
    """
    found = _HEAD.match(data)
    if found is None or found.end() > max_bytes:
        return None
    target, lines = found.groups()
    split = [line.partition(b":") for line in lines.split(b"\r\n")[:-1]]
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in split]
    names = {name for name, _ in headers}
    if len(names) < len(headers) or b"host" not in names or not _FRAMING.isdisjoint(names):
        return None
    head = read_head(b"GET", target, b"1.1", headers, peer=peer, secure=secure, proxies=proxies)
    if isinstance(head, BadHead) or head.upgrade is None:
        return None
    return head, data[found.end() :]
