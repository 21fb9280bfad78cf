"""The chat systems that slysock serves, by name.

A system that is not listed can be served by its address: see `slysock.cli.loading`. What systems are made of is in the
modules beside this one (`system`, `foundation`, `assembly`); this one imports none of them, so that a command can name
the systems without loading them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["SYSTEMS"]

SYSTEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "marketplace": "slysock.systems.marketplace:marketplace",
        "services": "slysock.systems.services:services",
        "pets": "slysock.systems.pets:pets",
        "support": "slysock.systems.support:support",
    }
)
"""name -> `module:name` of its `SystemMaker`. A new system needs a line here and a package beside this file; see
README.md."""
