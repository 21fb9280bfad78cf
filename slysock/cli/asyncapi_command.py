"""`slysock asyncapi`: print the AsyncAPI document of all events."""

import json
from typing import Final

import click

from slysock.cli.commands import SectionedCommand
from slysock.cli.loading import describe_systems
from slysock.cli.opening import run
from slysock.cli.options import config_option, system_option
from slysock.cli.settings import chosen_systems
from slysock.systems.asyncapi import asyncapi_document


def _asyncapi(**values: object) -> None:
    systems = run(describe_systems, chosen_systems(values))
    click.echo(json.dumps(asyncapi_document(systems), indent=2, ensure_ascii=False))


asyncapi: Final = SectionedCommand(
    "asyncapi", {"What to describe": [system_option(), config_option()]}, callback=_asyncapi
)
