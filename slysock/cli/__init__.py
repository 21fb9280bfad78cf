"""The command `slysock`: what it is called with, and how it ends.

Exit codes: 0 after a graceful end, 2 with one line on standard error for what the caller can put right.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, NoReturn, final

import click

from slysock.extras import MissingExtra, needs_extra

__all__ = ["main"]

USAGE_ERROR: Final = 2
INTERRUPTED: Final = 130

# name -> its line in the help; the command is `slysock.cli.NAME_command:NAME`
COMMANDS: Final[Mapping[str, str]] = {
    "serve": "Serve the chat systems until Ctrl+C or SIGTERM.",
    "token": "Print a JSON Web Token for trying things out.",
    "demo": "Fill the chat systems with something to look at.",
    "asyncapi": "Print the AsyncAPI 3 document of every event.",
}


@final
class LazyCommand(click.Command):
    """A command that is imported when it is called: the help that lists them all is quick and needs no extra."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Parse the arguments by the command itself, which runs from here on.

        Raises:
            MissingExtra: it needs an extra that is not installed.
            SettingsError: a variable of the environment looks like a setting and is none.
        """
        with needs_extra(f"slysock {self.name}", "systems"):
            from slysock.cli.options import refuse_unknown_environment

            command: object = getattr(import_module(f"slysock.cli.{self.name}_command"), str(self.name))
        refuse_unknown_environment()
        assert isinstance(command, click.Command), f"{self.name} is a command"
        return command.make_context(info_name, args, parent, **extra)


@click.group(
    commands=[LazyCommand(name, help=line) for name, line in COMMANDS.items()],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: slysock serve",
)
@click.version_option(package_name="slysock", message="%(prog)s %(version)s")
@click.pass_context
def slysock(context: click.Context) -> None:
    """Serve chat systems to stock socket.io clients.

    Every option can also be an environment variable (--jwt-issuer is SLYSOCK_JWT_ISSUER) or a key in a TOML file given
    by --config (jwt_issuer). A flag wins over the environment, the environment over the file.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Args:
        arguments: those behind the program's name; None takes the process's.
    """
    try:
        slysock.main(arguments, prog_name="slysock", standalone_mode=False)
    except click.ClickException as error:
        _complain(error.format_message())
    except MissingExtra as error:
        _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _complain(text: str) -> NoReturn:
    click.echo(f"slysock: {' '.join(text.split())}", err=True)
    sys.exit(USAGE_ERROR)
