"""`slysock backup`: copy the database, also while a server uses it."""

import shlex
from pathlib import Path
from typing import Final

import click

from slysock.cli.commands import SectionedCommand
from slysock.cli.opening import run, without_password
from slysock.cli.options import config_option, store_option
from slysock.cli.settings import SettingsError, TokenSettings, choose
from slysock_store import StoreError, back_up_store


def _backup(*, target: Path, **values: object) -> None:
    store = choose(TokenSettings, values).store
    if store.startswith("mongodb"):
        raise SettingsError(f"a MongoDB is copied by its own tool: {_mongodump(store, target)}")
    try:
        size = run(back_up_store, store, target, expected=(StoreError,))
    except StoreError as error:
        raise SettingsError(f"cannot back up {store}: {error}") from error
    click.echo(f"{target}: {size} bytes")


def _mongodump(store: str, target: Path) -> str:
    """Spell out the command. `--oplog` makes a copy of one moment, of the whole server: the URL names no database."""
    address, _, options = without_password(store).partition("?")
    scheme, _, rest = address.partition("://")
    server = f"{scheme}://{rest.partition('/')[0]}/{'?' if options else ''}{options}"
    return f"mongodump --uri={shlex.quote(server)} --oplog --gzip --archive={shlex.quote(str(target))}"


backup: Final = SectionedCommand(
    "backup",
    {"What to copy (as for slysock serve)": [store_option(), config_option()]},
    arguments=[click.Argument(["target"], type=click.Path(path_type=Path))],
    callback=_backup,
)
