"""Fills the chat systems with something to look at, the way their front-ends and back-ends would: over HTTP.

It knows no store and no domain, only addresses and payloads, so it works wherever a server answers. What it does twice
is there once: records have fixed ids, messages fixed client message ids. Only notifications come anew each time.
"""

from slysock.systems.demo.stories import STORIES, Story
from slysock.systems.demo.visit import DemoFailed, Visit

__all__ = ["STORIES", "DemoFailed", "Story", "Visit"]
