"""Who a client is: JSON Web Tokens, and the keys that verify them. For any program; the server knows nothing of them.

    from slysock import ConnectionRefused, Router, Server, Socket
    from slysock.identity import TokenError, Tokens, secret_key

    tokens = Tokens(secret_key("at least 32 bytes that nobody can guess"))
    chat = Router("/chat")

    @chat.use
    async def identify(socket: Socket) -> None:
        try:
            identity = await tokens.identify(socket.handshake)
        except TokenError as error:
            raise ConnectionRefused(str(error)) from error
        socket.data["user"] = identity.user_id

    @chat.on("whoami")
    def whoami(socket: Socket) -> object:
        return socket.data["user"]

    server = Server(chat)

A client brings its token as `io("/chat", { auth: { token } })`, or wherever else `find_token` looks. In place of a
secret, `public_key(pem)` verifies with one public key and `RemoteKeys(url)` with a key set that rotates. A token is
checked when its client connects and not again: to end a connection with its token, disconnect the client at
`identity.expires_at`.
"""

from slysock.extras import needs_extra

with needs_extra("slysock.identity", "identity"):
    from slysock.identity.credentials import find_token
    from slysock.identity.errors import KeysUnavailable, TokenError, TokenExpired, TokenInvalid, TokenMissing
    from slysock.identity.key_sets import FetchFailed, RemoteKeys
    from slysock.identity.keys import (
        Algorithm,
        BadKey,
        FixedKeys,
        KeySource,
        VerificationKey,
        checked_public_key,
        public_key,
        secret_key,
    )
    from slysock.identity.tokens import Claims, Clock, Identity, Tokens, make_token

__all__ = [
    "Algorithm",
    "BadKey",
    "Claims",
    "Clock",
    "FetchFailed",
    "FixedKeys",
    "Identity",
    "KeySource",
    "KeysUnavailable",
    "RemoteKeys",
    "TokenError",
    "TokenExpired",
    "TokenInvalid",
    "TokenMissing",
    "Tokens",
    "VerificationKey",
    "checked_public_key",
    "find_token",
    "make_token",
    "public_key",
    "secret_key",
]
