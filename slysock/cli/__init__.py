"""The command `slysock`: what it is called with, and how it ends.

Exit codes: 0 after a graceful end, 1 if `slysock check` has found something, 2 with one line on standard error for what
the caller can put right.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from slysock.cli.commands import CommandGroup
from slysock.cli.options import refuse_unknown_environment
from slysock.cli.settings import SettingsError
from slysock.extras import MissingExtra

__all__ = ["main"]

USAGE_ERROR = 2
INTERRUPTED = 130


@click.group(
    cls=CommandGroup,
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
    refuse_unknown_environment()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Args:
        arguments: those after the program's name; None takes the process's.
    """
    try:
        code: object = slysock.main(arguments, prog_name="slysock", standalone_mode=False)
    except click.ClickException as error:
        _complain(error.format_message())
    except (SettingsError, MissingExtra) as error:
        _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> NoReturn:
    click.echo(f"slysock: {' '.join(text.split())}", err=True)
    sys.exit(USAGE_ERROR)
