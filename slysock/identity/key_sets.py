"""Public keys by URL: a JSON Web Key Set that is fetched when it is needed, kept, and fetched again when keys rotate.

Source: RFC 7517 (JSON Web Key), RFC 7518 section 6 (the parameters of RSA and EC keys).

A set is used for `max_age_seconds`. A token whose key is not in it makes us fetch it again at once, so that a new key
works from its first token on, but no more often than every `pause_seconds`: anybody can make up key ids. While the URL
cannot be reached, the known keys go on working; only tokens of unknown keys are answered "not possible at the moment".
"""

import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, TypeAlias, final

import httpx  # noqa: ASYNC127 - Litestar needs it anyway
import jwt
import msgspec
import trio

from slysock.identity.errors import KeysUnavailable, TokenInvalid
from slysock.identity.keys import BadKey, VerificationKey, checked_public_key

logger = logging.getLogger("slysock")

MAX_AGE_SECONDS: Final = 600.0
"""How long a removed key still works."""

PAUSE_SECONDS: Final = 10.0
FETCH_SECONDS: Final = 5.0
"""The longest that a client waits for its connection because of this."""

MAX_BYTES: Final = 524_288
MAX_KEYS: Final = 100

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]


@final
class FetchFailed(Exception):
    """A key set could not be fetched; the text is for the log."""


@final
class JsonWebKey(msgspec.Struct, frozen=True):
    """The members of a key that are checked before it is used."""

    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    d: object = None
    """Part of a private key, which has no place in public."""


@final
class KeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set."""

    keys: list[msgspec.Raw]


@final
class RemoteKeys:
    """A `KeySource` of the keys at a URL.

    Args:
        url: of the set.
        fetch: gets the body of a URL, or raises FetchFailed; it bounds the size, we bound the time.
        max_age_seconds: how long a set is used before it is fetched again.
        pause_seconds: the least time between two attempts.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Fetch | None = None,
        max_age_seconds: float = MAX_AGE_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_by_http
        self._max_age_seconds = max_age_seconds
        self._pause_seconds = pause_seconds
        self._keys: Mapping[str | None, list[VerificationKey]] = {}  # key id -> keys; None: those without one
        self._fetched_at = -math.inf  # trio's time
        self._tried_at = -math.inf
        self._failure: Exception | None = None  # of the last attempt
        self._lock = trio.Lock()

    @property
    def is_reachable(self) -> bool:
        """Whether the set was to be had when it was last asked for; True before that."""
        return self._failure is None

    async def find_keys(self, *, algorithm: str, key_id: str | None) -> Sequence[VerificationKey]:
        """See `KeySource.find_keys`. A token without a key id is verified by the only key of its algorithm."""
        if algorithm not in ("RS256", "ES256"):
            raise TokenInvalid
        if trio.current_time() - self._fetched_at >= self._max_age_seconds:
            await self._refresh()
        key = self._maybe_key(algorithm, key_id)
        if key is None:
            await self._refresh()
            key = self._maybe_key(algorithm, key_id)
        if key is not None:
            return [key]
        if self._failure is not None:
            raise KeysUnavailable from self._failure
        raise TokenInvalid

    def _maybe_key(self, algorithm: str, key_id: str | None) -> VerificationKey | None:
        ids: Iterable[str | None] = self._keys if key_id is None else (key_id,)
        found = [key for each in ids for key in self._keys.get(each, ()) if key.algorithm == algorithm]
        return found[0] if len(found) == 1 else None

    async def _refresh(self) -> None:
        """Fetch the set, unless somebody has just done so or it failed just now; one attempt at a time."""
        asked_at = trio.current_time()
        async with self._lock:
            if self._tried_at > asked_at or trio.current_time() - self._tried_at < self._pause_seconds:
                return
            self._tried_at = trio.current_time()
            try:
                with trio.fail_after(FETCH_SECONDS):
                    self._keys = read_key_set(await self._fetch(self._url))
            except (FetchFailed, trio.TooSlowError) as error:
                self._failure = error
                logger.warning("the keys at %s cannot be fetched: %s", self._url, str(error) or "no answer in time")
            else:
                self._fetched_at, self._failure = trio.current_time(), None
            finally:
                self._tried_at = trio.current_time()


def read_key_set(body: bytes) -> Mapping[str | None, list[VerificationKey]]:
    """Read those keys of a set that can verify tokens; others are left out.

    Raises:
        FetchFailed: it is not a key set, or has no such key.
    """
    try:
        raw_keys = msgspec.json.decode(body, type=KeySet).keys
    except msgspec.DecodeError as error:
        raise FetchFailed(f"not a JSON Web Key Set: {error}") from error
    keys: dict[str | None, list[VerificationKey]] = {}
    for raw in raw_keys[:MAX_KEYS]:
        key_id, key = _read_key(bytes(raw))
        if key is not None:
            keys.setdefault(key_id, []).append(key)
    if not keys:
        raise FetchFailed("the set has no key for RS256 or ES256")
    return keys


def _read_key(raw: bytes) -> tuple[str | None, VerificationKey | None]:
    try:
        described = msgspec.json.decode(raw, type=JsonWebKey)
    except msgspec.DecodeError:
        return None, None
    if described.use not in (None, "sig") or described.kty not in ("RSA", "EC") or described.d is not None:
        return described.kid, None
    try:
        key = checked_public_key(jwt.PyJWK.from_json(raw.decode()).key)
    except (jwt.PyJWTError, BadKey, ValueError) as error:
        logger.warning("a key is left out: %s", error)
        return described.kid, None
    return described.kid, key if described.alg in (None, key.algorithm) else None


async def fetch_by_http(url: str) -> bytes:
    """Get the body of a URL by HTTP.

    Raises:
        FetchFailed: no answer, a status other than 200, or a body beyond `MAX_BYTES`.
    """
    body = bytearray()
    try:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS) as client, client.stream("GET", url) as response:
            if response.status_code != HTTPStatus.OK:
                raise FetchFailed(f"it answers {response.status_code}")
            async for piece in response.aiter_bytes():
                # Read on and forget: httpx leaves generators behind where it is interrupted. The caller has a deadline.
                body += piece[: MAX_BYTES + 1 - len(body)]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchFailed(str(error) or type(error).__name__) from error
    if len(body) > MAX_BYTES:
        raise FetchFailed(f"it is larger than {MAX_BYTES} bytes")
    return bytes(body)
