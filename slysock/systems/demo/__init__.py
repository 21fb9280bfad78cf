"""How a system is filled with something to look at, the way its front-end and its back-end would do it: over HTTP.

A system declares a story (`System.story`), which is told on a `Visit`. It knows no store and no domain, only addresses
and payloads, so it works wherever a server answers. It can be repeated: records have fixed ids, messages fixed client
message ids. Only notifications are added each time.
"""

from slysock.extras import needs_extra

with needs_extra("slysock.systems", "systems"):
    from .polling import DemoFailed, PollingClient
    from .visit import Claims, Sign, Story, Talk, Visit, field

__all__ = ["Claims", "DemoFailed", "PollingClient", "Sign", "Story", "Talk", "Visit", "field"]
