"""The table of commands: complete, and loaded one by one."""

import subprocess
import sys

import click
import pytest

from slysock.cli.commands import COMMANDS, CommandGroup
from slysock.cli.options import SERVE

group = CommandGroup("slysock")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_name_and_the_text_of_the_table(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert (command.name, command.help) == (name, COMMANDS[name])


def test_what_is_not_in_the_table_is_no_command() -> None:
    assert group.get_command(click.Context(group), "settings") is None


def test_options_are_shown_under_their_headings() -> None:
    command = group.get_command(click.Context(group), "serve")
    assert command is not None
    text = command.get_help(click.Context(command))
    assert [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")] == list(SERVE)


@pytest.mark.port
def test_the_help_of_all_loads_no_system_and_no_web_framework() -> None:
    script = (
        "import sys, slysock.cli\ntry: slysock.cli.main(['--help'])\nexcept SystemExit: print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Print a JSON Web Token" in done.stdout
    loaded = set(done.stdout.split())
    assert loaded & {"litestar", "httpx", "jwt", "pymongo", "slysock.systems.system", "slysock.cli.loading"} == set()
