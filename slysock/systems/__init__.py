"""The chat systems that slysock serves, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from slysock.systems.marketplace import marketplace
from slysock.systems.system import System, SystemBuilder

__all__ = ["SYSTEMS", "System", "SystemBuilder"]

SYSTEMS: Final[Mapping[str, SystemBuilder]] = MappingProxyType({"marketplace": marketplace})
"""name -> what builds it. A new system is a line here and a package beside this file; see README.md."""
