"""Heads of requests as nearly all clients send them, read without h11, which takes ten times as long.

What is taken here h11 would take, too, and read in the same way; whatever is less than usual is h11's to judge. Usual
is HTTP/1.1 that came in one piece, without a line that is folded, ends in a bare LF or comes twice, without chunks, and
without a question whether to go on.
"""

import re
from typing import Final, final

import msgspec

from slysock.http.head import BadHead, Head, read_head
from slysock.http.proxies import TrustedProxies

# RFC 9112, sections 3 and 5. Possessive: no byte could be taken by another part, so there is nothing to go back for.
_HEAD: Final = re.compile(
    rb"([A-Z]{1,20}) (/[!-~]*+) HTTP/1\.1\r\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n){1,64})\r\n"
)
_UNUSUAL: Final = frozenset({b"transfer-encoding", b"expect"})


@final
class UsualHead(msgspec.Struct, frozen=True):
    """One of them; the attributes that h11's Request has, too, mean the same.

    Attributes:
        size: its bytes, the empty line included.
        fields: the headers by name, in lower case.
    """

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    size: int
    fields: dict[bytes, bytes]
    http_version: bytes = b"1.1"


def read_usual(data: bytes, max_bytes: int) -> UsualHead | None:
    """Read what begins with a usual head of so many bytes at most; of anything else return None."""
    found = _HEAD.match(data)
    if found is None or found.end() > max_bytes:
        return None
    method, target, lines = found.groups()
    split = [line.partition(b":") for line in lines.split(b"\r\n")[:-1]]
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in split]
    fields = dict(headers)
    if len(fields) < len(headers) or b"host" not in fields or not _UNUSUAL.isdisjoint(fields):
        return None
    return UsualHead(method, target, headers, found.end(), fields)


def read_upgrade(
    data: bytes, *, max_bytes: int, peer: str, secure: bool, proxies: TrustedProxies | None
) -> tuple[Head, bytes] | None:
    """Read what begins with a usual head that asks for another protocol and has no body; of anything else return None.

    Args:
        data: all that has come.
        max_bytes: most of a head.
        peer: as for `read_head`, like `secure` and `proxies`.
        secure: see above.
        proxies: see above.

    Returns:
        The head, and what has come behind it.
    """
    usual = read_usual(data, max_bytes)
    if usual is None or usual.method != b"GET" or b"upgrade" not in usual.fields or b"content-length" in usual.fields:
        return None
    head = read_head(
        usual.method, usual.target, usual.http_version, usual.headers, peer=peer, secure=secure, proxies=proxies
    )
    return None if isinstance(head, BadHead) or head.upgrade is None else (head, data[usual.size :])
