"""`slysock check`: look for damage in the database, also while a server uses it."""

from typing import Final

import click

from slysock.cli.commands import SectionedCommand
from slysock.cli.opening import run, without_password
from slysock.cli.options import config_option, store_option
from slysock.cli.settings import SettingsError, TokenSettings, choose
from slysock_store import StoreError, inspect_store

DAMAGED: Final = 1


def _check(**values: object) -> None:
    store = choose(TokenSettings, values).store
    shown = without_password(store)
    try:
        found = run(inspect_store, store, expected=(StoreError,))
    except StoreError as error:
        raise SettingsError(f"cannot check {shown}: {error}") from error
    for problem in found.problems:
        click.echo(problem)
    count = len(found.problems) + found.more_problems
    if found.more_problems:
        click.echo(f"… and {found.more_problems} more")
    click.echo(f"{shown}: {found.chats} chats, {found.messages} messages, {count or 'no'} problem{'s' * (count != 1)}")
    if count:
        click.get_current_context().exit(DAMAGED)


check: Final = SectionedCommand(
    "check", {"What to check (as for slysock serve)": [store_option(), config_option()]}, callback=_check
)
