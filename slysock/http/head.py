"""What a request head must be beyond h11's grammar, and what its parts mean. Pure functions.

h11 refuses by itself: illegal lines, a missing or second Host, differing Content-Lengths, transfer codings other than
chunked. It takes what RFC 9112 allows a server to take: bare LF as a line end, and folded lines, which it unfolds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final
from urllib.parse import unquote_to_bytes

import h11


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A head that gets an answer from here and never reaches a caller."""

    status: int
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request target taken apart: the path as sent and decoded, and the query without its question mark."""

    raw_path: bytes
    path: str
    query_string: bytes


def judge(head: h11.Request) -> Target | Refusal:
    """Take a head's target apart, or say why the request is refused."""
    if head.http_version not in (b"1.0", b"1.1"):
        return Refusal(status=505, reason="HTTP version not supported")
    if head.method == b"CONNECT":
        return Refusal(status=501, reason="CONNECT is not supported")
    if framing_is_ambiguous(head):
        return Refusal(status=400, reason="ambiguous message length")
    target = split_target(head.target)
    return Refusal(status=400, reason="malformed request target") if target is None else target


def framing_is_ambiguous(head: h11.Request) -> bool:
    """Whether a proxy on the way may have seen another end of the body than h11 sees.

    RFC 9112, section 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding",
    and a Transfer-Encoding in HTTP/1.0 MUST be treated "as if the framing is faulty".
    """
    if header(head.headers, b"transfer-encoding") is None:
        return False
    return head.http_version == b"1.0" or header(head.headers, b"content-length") is not None


def split_target(target: bytes) -> Target | None:
    """Split a target in origin, absolute or asterisk form; None for anything else (RFC 9112, section 3.2)."""
    if target.lower().startswith((b"http://", b"https://")):
        _authority, slash, rest = target.partition(b"//")[2].partition(b"/")
        target = slash + rest if slash else b"/"
    raw_path, _, query_string = target.partition(b"?")
    if not (raw_path.startswith(b"/") or target == b"*"):
        return None
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    return Target(raw_path=raw_path, path=path, query_string=query_string)


def upgrade_of(head: h11.Request) -> str | None:
    """Return the protocol the client wants to switch to, lower-cased, or None.

    RFC 9110, section 7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request", and
    the field counts only when `Connection` names it.
    """
    wanted = header(head.headers, b"upgrade")
    options = [value for name, value in head.headers if name == b"connection"]
    tokens = {token.strip().lower() for token in b",".join(options).split(b",")}
    if wanted is None or head.http_version == b"1.0" or b"upgrade" not in tokens:
        return None
    return wanted.decode("latin-1").lower()


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first value of a header, or None. The name is lower-case."""
    return next((value for key, value in headers if key == name), None)


def body_length(head: h11.Request) -> int | None:
    """Return how many bytes of body follow the head, None when they come in chunks."""
    if header(head.headers, b"transfer-encoding") is not None:
        return None
    return int(header(head.headers, b"content-length") or b"0")
