"""The chat systems that slysock serves, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from slysock.systems.assembly import Assembly, assemble
from slysock.systems.foundation import Foundation, SystemSettings, make_foundation
from slysock.systems.marketplace import marketplace
from slysock.systems.pets import pets
from slysock.systems.services import services
from slysock.systems.support import support
from slysock.systems.system import System, SystemMaker

__all__ = [
    "SYSTEMS",
    "Assembly",
    "Foundation",
    "System",
    "SystemMaker",
    "SystemSettings",
    "assemble",
    "make_foundation",
]

SYSTEMS: Final[Mapping[str, SystemMaker]] = MappingProxyType(
    {"marketplace": marketplace, "services": services, "pets": pets, "support": support}
)
"""name -> what builds it. A new system is a line here and a package beside this file; see README.md."""
