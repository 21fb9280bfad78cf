"""Who a socket speaks for: admitted by a token for as long as it lasts, prolonged by a newer one, told when it ends.

One admission serves all systems of a server. What a client is told, and how, is up to the dialect, which supplies a
function for the end. The root namespace, which systems share, is the exception: `RootDoor` decides for all of them who
comes in there.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias, final

from msgspec import UNSET, Struct, UnsetType

from slysock import ConnectionRefused, DisconnectReason, Router, Socket
from slysock.identity import Identity, KeysUnavailable, TokenError, TokenExpired, TokenMissing, Tokens

from .domain import DomainError, NotAllowed, NotAuthenticated, Unavailable
from .expiry import Expiries
from .failures import retry_after_of, status_of, text_of
from .socket_keys import Key

ROOT: Final = "/"
REFUSED_TEXT: Final = "Authentication error"
"""The message of a CONNECT_ERROR in the root namespace, which clients compare."""

ShowOut: TypeAlias = Callable[[Socket, DomainError], object]
"""Tells a socket why it cannot stay, and disconnects it. A plain function."""


@final
class Admission:
    """The identities of sockets, each for as long as its token lasts."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._expiries = Expiries(tokens.clock)

    def __len__(self) -> int:
        """Return the number of sockets whose deadline is watched."""
        return len(self._expiries)

    async def run(self) -> None:
        """End what has expired, until cancelled; start this once, before the first client connects."""
        await self._expiries.run()

    async def identify(self, socket: Socket) -> Identity:
        """Return whom the token of a socket identifies; nothing is kept yet. Waits only if keys have to be fetched.

        Raises:
            NotAuthenticated: there is no token, or it is not valid.
            Unavailable: the token cannot be verified now.
        """
        try:
            return await self._tokens.identify(socket.handshake)
        except TokenError as error:
            raise refused(error) from error

    def keep(self, socket: Socket, identity: Identity, show_out: ShowOut) -> None:
        """Remember whom a socket speaks for, and show it out when that has expired. The caller must call `leave`.

        Not for middleware, because a socket that is refused never leaves: call `remember` there and `watch` later.

        Raises:
            RateLimited: the user comes too often.
        """
        self.remember(socket, identity, show_out)
        self.watch(socket)

    def remember(self, socket: Socket, identity: Identity, show_out: ShowOut) -> None:
        """Remember whom a socket speaks for, even one that may still be refused.

        Raises:
            RateLimited: the user comes too often.
        """
        # An id may be a number in one token and text in another, and one of each role's own; see `is_same_user`.
        socket.set_user(f"{(identity.role or '').casefold()}:{identity.user_id}")
        _KEPT.set(socket, _Kept(identity, show_out))

    def watch(self, socket: Socket) -> None:
        """Watch the deadline of a socket that has been remembered. The caller must call `leave`."""
        kept = _KEPT.get(socket)
        if kept is None:
            return
        due = kept.identity.expires_at
        if due is None:
            self._expiries.clear(socket.id)
        else:
            self._expiries.set(socket.id, due, partial(_show_out_expired, socket, kept.show_out))

    def maybe_identity(self, socket: Socket) -> Identity | None:
        """Return whom a socket speaks for, or spoke for; None if it has never had a valid token. For hooks."""
        return identity_in(socket)

    def identity_of(self, socket: Socket) -> Identity:
        """Return whom a socket speaks for while one of its events is handled.

        Raises:
            NotAuthenticated: nobody, or nobody any more.
        """
        identity = self.maybe_identity(socket)
        if identity is None:
            raise NotAuthenticated("You are not connected")
        if identity.expires_at is not None and identity.expires_at <= self._tokens.clock():
            raise _refused_and_reported(socket, TokenExpired())
        return identity

    async def refresh(self, socket: Socket, token: str) -> Identity:
        """Extend a socket's stay with a newer token of the same user and role.

        A token that is refused leaves everything as it was.

        Raises:
            NotAuthenticated: the socket has no identity, or the token is not valid.
            NotAllowed: the token is another user's.
            Unavailable: the token cannot be verified now.
        """
        before = self.identity_of(socket)
        try:
            identity = await self._tokens.verify(token)
        except TokenError as error:
            raise _refused_and_reported(socket, error) from error
        if not is_same_user(before, identity):
            socket.report_refusal("token", "it belongs to another user")
            raise NotAllowed("The token belongs to another user")
        kept = _KEPT.get(socket)
        assert kept is not None
        self.keep(socket, identity, kept.show_out)
        return identity

    def leave(self, socket: Socket) -> None:
        """Stop watching a socket that has gone."""
        self._expiries.clear(socket.id)


@final
class _Kept(Struct, frozen=True):
    """What is kept of a socket."""

    identity: Identity
    show_out: ShowOut


_KEPT: Final = Key("slysock.identity", _Kept)


def identity_in(socket: Socket) -> Identity | None:
    """See Admission.maybe_identity."""
    kept = _KEPT.get(socket)
    return None if kept is None else kept.identity


def user_in(socket: Socket) -> str | int | None:
    """Return the user id in the token of a socket, even one that has gone; None without a token. For the access log."""
    identity = identity_in(socket)
    return None if identity is None else identity.user_id


def refused(error: TokenError) -> DomainError:
    """Translate why a token was refused into an error of the domain."""
    return Unavailable(str(error)) if isinstance(error, KeysUnavailable) else NotAuthenticated(str(error))


def report(socket: Socket, error: DomainError) -> None:
    """Report to the server's observers why a socket is not let in."""
    if isinstance(error.__cause__, TokenError):
        socket.report_refusal(_reason_of(error.__cause__), str(error.__cause__))
    else:
        socket.report_refusal("connect hook", type(error).__name__)


def _refused_and_reported(socket: Socket, error: TokenError) -> DomainError:
    socket.report_refusal(_reason_of(error), str(error))
    return refused(error)


def _reason_of(error: TokenError) -> str:
    """Return `token` for one that is bad; whoever comes while none can be verified is not to blame."""
    return "keys" if isinstance(error, KeysUnavailable) else "token"


def _show_out_expired(socket: Socket, show_out: ShowOut) -> None:
    show_out(socket, _refused_and_reported(socket, TokenExpired()))


def is_same_user(one: Identity, other: Identity) -> bool:
    """Tell whether two tokens identify the same user and role; an id may be a number in one and text in the other."""
    return str(one.user_id) == str(other.user_id) and has_role(one, other.role or "")


def has_role(identity: Identity, *roles: str) -> bool:
    """Tell whether a token names one of these roles, in upper or lower case."""
    return (identity.role or "").casefold() in {role.casefold() for role in roles}


@final
class RefreshToken(Struct, frozen=True, kw_only=True):
    """`refreshToken`: present a newer token of the same user on a live socket."""

    token: str


@final
class Refreshed(Struct, frozen=True):
    """The acknowledgement of `refreshToken`."""

    success: bool = True
    message: str = "Token has been refreshed"


@final
class RootDoor:
    """The one way into the root namespace, whichever systems live there: its router is part of each of them.

    Args:
        admission: keeps the identities.
        trust_without_token: admit clients without any token, with no identity; an invalid token is still refused.
    """

    def __init__(self, admission: Admission, *, trust_without_token: bool = False) -> None:
        self._admission = admission
        self._trust_without_token = trust_without_token
        self.router = self._make_router()

    def _make_router(self) -> Router:
        router = Router(ROOT)
        router.use(self.let_in)
        router.on_connect(self._admission.watch)
        router.on_disconnect(self.leave)
        router.on_error(answer_root_error)
        router.on("refreshToken")(self.refresh_token)
        return router

    async def let_in(self, socket: Socket) -> None:
        """Refuse a client without a usable token, with the message that clients expect."""
        try:
            identity = await self._admission.identify(socket)
        except DomainError as error:
            if self._trust_without_token and isinstance(error.__cause__, TokenMissing):
                return
            report(socket, error)
            raise ConnectionRefused(REFUSED_TEXT) from error
        self._admission.remember(socket, identity, show_out_of_root)

    def leave(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Forget a socket's deadline."""
        self._admission.leave(socket)

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Refreshed:
        """Stay connected longer with a newer token of the same user."""
        await self._admission.refresh(socket, payload.token)
        return Refreshed()


@final
class RootError(Struct, frozen=True, kw_only=True, rename="camel"):
    """`error` in the root namespace, for events of no particular system."""

    message: str
    event: str
    code: int
    retry_after: float | UnsetType = UNSET
    """In how many seconds it may be tried again, if it was one too many."""


@final
class RootFailure(Struct, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of a failed event there."""

    success: bool = False
    message: str
    code: int
    retry_after: float | UnsetType = UNSET


def show_out_of_root(socket: Socket, error: Exception) -> None:
    """Tell a socket of the root namespace that its token has expired, and disconnect it."""
    socket.emit("error", RootError(message=text_of(error), event="connect", code=status_of(error)))
    socket.disconnect()


def answer_root_error(socket: Socket, event: str, error: Exception) -> RootFailure:
    """Answer an event of no particular system that has failed."""
    text, code, retry_after = text_of(error), status_of(error), retry_after_of(error)
    socket.emit("error", RootError(message=text, event=event, code=code, retry_after=retry_after))
    return RootFailure(message=text, code=code, retry_after=retry_after)
