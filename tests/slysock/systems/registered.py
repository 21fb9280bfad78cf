"""The systems that have a name, and what they declare: tests that walk them all take them from here."""

from slysock.cli.loading import load_maker
from slysock.systems import SYSTEMS

MAKERS = {name: load_maker(name) for name in SYSTEMS}
