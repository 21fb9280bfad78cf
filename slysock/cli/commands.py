"""The commands: each in a module of its own, which is loaded when the command is called, not for `slysock --help`."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, final

import click

from slysock.cli.options import Sections
from slysock.extras import needs_extra

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "Serve the chat systems until Ctrl+C or SIGTERM, then stop gracefully. Works without any option.",
    "token": "Print a JSON Web Token for trying things out, and nothing else, so that TOKEN=$(slysock token …) works.",
    "demo": "Fill the chat systems with users, listings, chats and messages to try things out on. Running it again "
    "adds nothing but notifications.",
    "backup": "Copy the database into a new file, also while a server uses it. The copy is of one moment and complete; "
    "plain copies miss what is in the log. A MongoDB has a tool of its own for this, which is named.",
    "check": "Look for damage in the database, and for counters that do not agree with the messages, also while a "
    "server uses it. Exits with 1 if there is any.",
    "asyncapi": "Print the AsyncAPI 3 document of every event that the chat systems receive and send, as JSON. A "
    "running server has it at /asyncapi.json.",
}
"""name -> what it does; the command is `name` in the module `name_command`."""


ARGUMENTS: Final = "slysock.arguments"
"""Where a context's `meta` has what the command was called with: a tuple of texts."""


class SectionedCommand(click.Command):
    """A command whose help shows its options under headings, with the text of COMMANDS above them."""

    def __init__(  # type: ignore[explicit-any]  # a callback takes what its options are called
        self,
        name: str,
        sections: Sections,
        *,
        callback: Callable[..., None],
        arguments: Sequence[click.Argument] = (),
    ) -> None:
        options: list[click.Parameter] = [option for section in sections.values() for option in section]
        super().__init__(name, params=[*arguments, *options], callback=callback, help=COMMANDS[name])
        self._sections = sections

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments apart, and keep them as they were for who has to do so again."""
        ctx.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        for heading, options in self._sections.items():
            rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
            with formatter.section(heading):
                formatter.write_dl(rows)


@final
class CommandGroup(click.Group):
    """The commands of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the shape of click's method
        """List the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - see above
        """Load a command; None for one that does not exist.

        Raises:
            MissingExtra: it needs an extra that is not installed.
        """
        if cmd_name not in COMMANDS:
            return None
        with needs_extra(f"slysock {cmd_name}", "systems"):
            command: object = getattr(import_module(f"slysock.cli.{cmd_name}_command"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - see above
        """Write what each command does, without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text.partition(".")[0] + ".") for name, text in COMMANDS.items()])
