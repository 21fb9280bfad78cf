"""`slysock demo`: fill the systems with users, listings, chats and messages, through a server.

A running server is filled at its address. Otherwise one is started for as long as it takes, on the store and on a free
port of this machine only, so that both ways do the same.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, final

import click
import httpx  # noqa: ASYNC127 - Litestar needs it anyway
import msgspec
import trio

from slysock import Config, Listening, Server
from slysock.cli.commands import SectionedCommand
from slysock.cli.keys import find_secret
from slysock.cli.loading import describe_systems, load_makers, make_systems
from slysock.cli.opening import opened_store, run
from slysock.cli.options import config_option, path_option, store_option, system_option, token_options
from slysock.cli.settings import SettingsError, TokenSettings, choose, chosen_systems
from slysock.identity import Tokens, make_token, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.demo import DemoFailed, Visit
from slysock.systems.foundation import make_foundation

TOKEN_SECONDS: Final = 600.0
ANSWER_SECONDS: Final = 60.0


@final
class DemoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the command was asked for."""

    tokens: TokenSettings
    systems: tuple[str, ...]
    path: str
    url: str | None


def _demo(**values: object) -> None:
    settings = DemoSettings(
        tokens=choose(TokenSettings, values),
        systems=chosen_systems(values),
        path=str(values["path"]),
        url=None if values["url"] is None else str(values["url"]),
    )
    if settings.tokens.is_asymmetric:
        raise SettingsError("the demo signs its own tokens, so it needs a server that verifies them with a secret")
    try:
        lines = run(fill, settings, expected=(SettingsError, DemoFailed, httpx.HTTPError))
    except httpx.HTTPError as error:
        raise SettingsError(f"no answer from {settings.url}: {str(error) or type(error).__name__}") from error
    except DemoFailed as error:
        raise SettingsError(str(error)) from error
    for system, told in lines.items():
        for line in told:
            click.echo(f"{system}: {line}")


async def fill(settings: DemoSettings) -> Mapping[str, Sequence[str]]:
    """Tell the story of each system that has one; return the lines about it, by the system's name.

    Raises:
        SettingsError: there is no secret, no such system, or the store cannot be opened.
        DemoFailed: the server refused something.
        httpx.HTTPError: it did not answer.
    """
    stories = {system.name: system.story for system in await describe_systems(settings.systems)}
    secret = find_secret(settings.tokens).text

    def sign(claims: Mapping[str, object]) -> str:
        return make_token(
            secret,
            claims,
            now=time.time(),
            expires_in_seconds=TOKEN_SECONDS,
            audience=settings.tokens.jwt_audience,
            issuer=settings.tokens.jwt_issuer,
        )

    async with _address(settings, secret) as url, httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS) as http:
        return {
            name: await story(Visit(http, path=settings.path, system=name, sign=sign))
            for name, story in stories.items()
            if story is not None
        }


@asynccontextmanager
async def _address(settings: DemoSettings, secret: str) -> AsyncGenerator[str, None]:
    """Yield the address of the server that is to be filled."""
    if settings.url is not None:
        yield settings.url
        return
    async with opened_store(settings.tokens.store) as store, trio.open_nursery() as nursery:
        tokens = Tokens(secret_key(secret), audience=settings.tokens.jwt_audience, issuer=settings.tokens.jwt_issuer)
        foundation = make_foundation(store, tokens)
        assembly = assemble(make_systems(load_makers(settings.systems), foundation), foundation)
        server = Server(*assembly.routers, config=Config(path=settings.path), app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        listening: Listening = await nursery.start(server.serve, "127.0.0.1", 0)
        yield listening.url
        server.stop()
        nursery.cancel_scope.cancel()


demo: Final = SectionedCommand(
    "demo",
    {
        "What to fill": [
            click.Option(
                ["--url"],
                metavar="URL",
                help="Fill this running server: http://127.0.0.1:3000. Without it, fill the store, by a server that is "
                "started for the purpose.",
            ),
            system_option(),
            path_option(),
            store_option(),
        ],
        "How the server verifies tokens (as for slysock serve)": [*token_options(), config_option()],
    },
    callback=_demo,
)
