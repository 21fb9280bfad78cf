"""Who a client is: JSON Web Tokens, and the keys that verify them. For any program; the server knows nothing of it."""

from slysock.extras import needs_extra

with needs_extra("slysock.identity", "identity"):
    from slysock.identity import key_sets, tokens

__all__ = ["key_sets", "tokens"]
