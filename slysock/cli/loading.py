"""From the values of `--system` to systems: those of `SYSTEMS`, and any that can be imported, as `module:name`."""

import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import cast

from slysock.cli.settings import SettingsError
from slysock.cli.sources import did_you_mean
from slysock.identity import FixedKeys, Tokens, VerificationKey
from slysock.systems import SYSTEMS
from slysock.systems.foundation import Foundation, make_foundation
from slysock.systems.system import System, SystemMaker
from slysock_store import open_store


def load_maker(name: str) -> SystemMaker:
    """Import what makes a system, from the working directory or an installed package.

    Args:
        name: one of SYSTEMS, or `module:name` of a SystemMaker.

    Raises:
        SettingsError: it does not exist, cannot make a system, or its module cannot be imported.
    """
    address = SYSTEMS.get(name, name)
    module_name, _, attribute = address.partition(":")
    if not (attribute and all(part.isidentifier() for part in module_name.split("."))):
        known = f"; choose from {', '.join(SYSTEMS)}, or a module:name"
        raise SettingsError(f"unknown system {name!r}{did_you_mean(name, SYSTEMS) or known}")
    if name not in SYSTEMS:
        _search_here()
    module = _imported(module_name)
    maker: object = getattr(module, attribute, None)
    if maker is None:
        raise SettingsError(f"{module_name} has no {attribute!r}{did_you_mean(attribute, vars(module))}")
    if not _takes_a_foundation(maker):
        raise SettingsError(f"{name} does not make a system: it must take a Foundation and return a System")
    return cast("SystemMaker", maker)


def load_makers(names: Iterable[str]) -> Mapping[str, SystemMaker]:
    """Import what makes each of these systems: name -> maker.

    Raises:
        SettingsError: see `load_maker`.
    """
    return {name: load_maker(name) for name in names}


def make_systems(makers: Mapping[str, SystemMaker], foundation: Foundation) -> tuple[System, ...]:
    """Make systems on one foundation.

    Args:
        makers: the name by which each system was asked for -> its maker.
        foundation: what they stand on.

    Raises:
        SettingsError: what one returned is not a System, or two have the same name.
    """
    made: dict[str, str] = {}  # a system's own name -> what it was asked for by
    systems: list[System] = []
    for name, make in makers.items():
        system = _checked(name, make(foundation))
        if system.name in made:
            raise SettingsError(f"two systems are called {system.name!r}: {made[system.name]} and {name}")
        made[system.name] = name
        systems.append(system)
    return tuple(systems)


def _checked(name: str, made: object) -> System:
    """Refuse what is not a System: that the maker returns one is only what its type says."""
    if not isinstance(made, System):
        raise SettingsError(f"{name} does not make a system: it returned {type(made).__name__}, not System")
    return made


async def describe_systems(names: Iterable[str]) -> tuple[System, ...]:
    """Make systems to read what they declare. Their store is closed, so they cannot be served.

    Raises:
        SettingsError: see `load_maker` and `make_systems`.
    """
    makers = load_makers(names)
    nobody = FixedKeys(VerificationKey(algorithm="HS256", key=""))
    async with open_store("sqlite://") as store:
        return make_systems(makers, make_foundation(store, Tokens(nobody)))


def _search_here() -> None:
    """Let modules in the working directory be imported, before others of the same name."""
    here = os.getcwd()
    if here not in sys.path:  # `python -m` and an editor's runner have put it there
        sys.path.insert(0, here)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise SettingsError(f"there is no module {name!r}, neither here nor installed") from None
        raise _failed_import(name, error) from error
    except Exception as error:  # the boundary to somebody else's module, which may raise anything
        raise _failed_import(name, error) from error


def _failed_import(name: str, error: Exception) -> SettingsError:
    frames = traceback.extract_tb(error.__traceback__)
    place = next(frame for frame in reversed(frames) if not frame.filename.startswith("<"))  # not importlib's own
    file, line = place.filename, place.lineno
    if isinstance(error, SyntaxError) and error.filename is not None:
        file, line = error.filename, error.lineno
    why = "".join(traceback.format_exception_only(error)).strip().rpartition("\n")[2]
    return SettingsError(f"{name} cannot be imported: {why} ({file}, line {line})")


def _takes_a_foundation(maker: object) -> bool:
    if not callable(maker):
        return False
    try:
        signature(maker).bind(object())
    except (TypeError, ValueError):  # other arguments, or one of the callables that do not tell theirs
        return False
    return True
