"""The marketplace: customers and vendors talk about a product.

Namespaces `/presence` and `/chat`; events, payloads and shapes are those of the document "Socket Events Documentation
for Chat System". Ours is one event beside them, in each namespace: `refreshToken {token}` prolongs a live socket.
"""

from typing import Final

from slysock.systems.domain import make_domain
from slysock.systems.expiry import Expiries
from slysock.systems.system import System
from slysock.tokens import Tokens
from slysock_store import Store, SystemName

from .chat import chat_router
from .gate import Gate
from .presence import Audience, presence_router

__all__ = ["NAME", "marketplace"]

NAME: Final = SystemName("marketplace")


def marketplace(store: Store, tokens: Tokens) -> System:
    """Make the system; see `SystemBuilder`."""
    domain = make_domain(store, NAME)
    expiries = Expiries(tokens.clock)
    gate = Gate(domain, tokens, expiries)
    audience = Audience()
    return System(
        name=NAME,
        routers=(presence_router(domain, gate, audience), chat_router(domain, gate, audience)),
        run=expiries.run,
    )
