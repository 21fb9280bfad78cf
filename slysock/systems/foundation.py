"""What every system stands on: one store, one set of tokens, one admission, for all systems of a server."""

from typing import final

import msgspec

from slysock.identity import Tokens
from slysock_store import Store

from .admission import Admission, RootDoor
from .settings import SystemSettings


@final
class Foundation(msgspec.Struct, frozen=True, kw_only=True):
    """What a `SystemMaker` gets. The caller keeps the store and the tokens, which must outlive it."""

    store: Store
    tokens: Tokens
    settings: SystemSettings
    admission: Admission
    root: RootDoor
    """Its router belongs in the `routers` of each system that lives in the root namespace."""


def make_foundation(store: Store, tokens: Tokens, settings: SystemSettings | None = None) -> Foundation:
    """Make a foundation. `foundation.admission.run` must run in a task while the systems are served."""
    settings = settings or SystemSettings()
    admission = Admission(tokens)
    return Foundation(
        store=store,
        tokens=tokens,
        settings=settings,
        admission=admission,
        root=RootDoor(admission, trust_without_token=settings.trust_user_join),
    )
