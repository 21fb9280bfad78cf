"""`slysock asyncapi`: the document of all events, for generators and readers."""

import json
from typing import Final

import click
import msgspec
import trio

from slysock.cli.options import SectionedCommand, config_option, system_option
from slysock.identity import FixedKey, Tokens, VerificationKey
from slysock.systems import SYSTEMS, make_foundation
from slysock.systems.asyncapi import asyncapi_document
from slysock_store import open_store


def _asyncapi(**values: object) -> None:
    names = msgspec.convert(values["system"] or tuple(SYSTEMS), tuple[str, ...])
    click.echo(json.dumps(trio.run(_describe, names), indent=2, ensure_ascii=False))


async def _describe(names: tuple[str, ...]) -> object:
    """Describe systems that stand on nothing: they are made and never served."""
    nobody = FixedKey(VerificationKey(algorithm="HS256", key=""))
    async with open_store("sqlite://") as store:
        foundation = make_foundation(store, Tokens(nobody))
        return asyncapi_document([SYSTEMS[name](foundation) for name in names])


asyncapi: Final = SectionedCommand(
    "asyncapi",
    {"What to describe": [system_option(), config_option()]},
    callback=_asyncapi,
    help_text="Print the AsyncAPI 3 document of every event that the chat systems take and send, as JSON. A running "
    "server has it at /asyncapi.json.",
)
