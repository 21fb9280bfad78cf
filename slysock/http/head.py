"""What a request head must be beyond h11's grammar, and what its parts mean. Pure functions.

h11 refuses by itself: illegal lines, a missing or second Host, differing Content-Lengths, transfer codings other than
chunked. It takes what RFC 9112 allows a server to take: bare LF as a line end, and folded lines, which it unfolds.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, final
from urllib.parse import unquote_to_bytes

import h11
import msgspec

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

Fields: TypeAlias = Mapping[bytes, bytes]
"""Name in lower case -> its first value."""

MAX_HEADER_LINES: Final = 100
"""Of one head; browsers behind several proxies send some 40, and Apache takes as many."""


@final
class BadHead(msgspec.Struct, frozen=True, kw_only=True):
    """A head that gets an answer from here and never reaches a caller."""

    status: int
    reason: str


@final
class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A request target taken apart: the path as sent and decoded, and the query without its question mark."""

    raw_path: bytes
    path: str
    query_string: bytes


def first_values(headers: Headers) -> Fields:
    """Index headers by name."""
    return dict(reversed(headers))


def join_cookies(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Make one field of the cookies that came in several, behind the others.

    RFC 9113, section 8.2.3, of HTTP/2, where clients split them: they "MUST be concatenated into a single octet string
    using the two-octet delimiter of 0x3b, 0x20" for HTTP/1.1. Not every proxy does.
    """
    cookies = [value for name, value in headers if name == b"cookie"]
    others = [field for field in headers if field[0] != b"cookie"]
    return [*others, (b"cookie", b"; ".join(cookies))] if cookies else others


def judge(head: h11.Request, fields: Fields) -> Target | BadHead:
    """Take a head's target apart, or say why the request is refused."""
    if head.http_version not in (b"1.0", b"1.1"):
        return BadHead(status=505, reason="HTTP version not supported")
    if head.method == b"CONNECT":
        return BadHead(status=501, reason="CONNECT is not supported")
    if framing_is_ambiguous(head, fields):
        return BadHead(status=400, reason="ambiguous message length")
    target = split_target(head.target)
    return BadHead(status=400, reason="malformed request target") if target is None else target


def framing_is_ambiguous(head: h11.Request, fields: Fields) -> bool:
    """Whether a proxy on the way may have seen another end of the body than h11 sees.

    RFC 9112, section 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding",
    and a Transfer-Encoding in HTTP/1.0 MUST be treated "as if the framing is faulty".
    """
    return b"transfer-encoding" in fields and (head.http_version == b"1.0" or b"content-length" in fields)


def split_target(target: bytes) -> Target | None:
    """Split a target in origin, absolute or asterisk form; None for anything else (RFC 9112, section 3.2)."""
    if not target.startswith(b"/") and target.lower().startswith((b"http://", b"https://")):
        _authority, slash, rest = target.partition(b"//")[2].partition(b"/")
        target = slash + rest if slash else b"/"
    raw_path, _, query_string = target.partition(b"?")
    if not (raw_path.startswith(b"/") or target == b"*"):
        return None
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    return Target(raw_path=raw_path, path=path, query_string=query_string)


def upgrade_of(head: h11.Request, headers: Headers, fields: Fields) -> str | None:
    """Return the protocol the client wants to switch to, lower-cased, or None.

    RFC 9110, section 7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request", and
    the field counts only when `Connection` names it.
    """
    wanted = fields.get(b"upgrade")
    if wanted is None or head.http_version == b"1.0":
        return None
    options = [value for name, value in headers if name == b"connection"]
    tokens = {token.strip().lower() for token in b",".join(options).split(b",")}
    return wanted.decode("latin-1").lower() if b"upgrade" in tokens else None


def body_length(fields: Fields) -> int | None:
    """Return how many bytes of body follow the head, None when they come in chunks."""
    return None if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))
