"""The time as HTTP writes it."""

import time
from email.utils import formatdate
from functools import lru_cache


def date_field() -> tuple[bytes, bytes]:
    """Return the header field that an answer made now has.

    RFC 9110, section 6.6.1: "An origin server with a clock MUST generate a Date header field in all 2xx
    (Successful), 3xx (Redirection), and 4xx (Client Error) responses".
    """
    return _field_of(int(time.time()))


@lru_cache(maxsize=1)  # formatted once a second
def _field_of(second: int) -> tuple[bytes, bytes]:
    return b"date", formatdate(second, usegmt=True).encode("ascii")
