"""`slysock token`: print a token for trying things out, signed with the secret of `slysock serve`."""

import re
import time
from datetime import timedelta
from typing import Final, final

import click

from slysock.cli.commands import SectionedCommand
from slysock.cli.keys import find_secret
from slysock.cli.opening import run
from slysock.cli.options import config_option, store_option, token_options
from slysock.cli.settings import SettingsError, TokenSettings, choose
from slysock.identity import make_token
from slysock.systems import SYSTEMS

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
BACK_END: Final = {"/manage": ("service (for another back-end)",)}
_UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _read_duration(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    found = _DURATION.fullmatch(value)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{value!r} is not a duration; write 30m, 12h or 7d", context, parameter)
    return timedelta(seconds=int(found[1]) * _UNIT_SECONDS[found[2]])


def _token(
    *,
    user: str,
    role: str | None,
    name: str | None,
    email: str | None,
    expires: timedelta,
    **values: object,
) -> None:
    settings = choose(TokenSettings, values)
    if settings.is_asymmetric:
        raise SettingsError("tokens are verified with a public key: only the holder of its private key can make one")
    secret = find_secret(settings)
    if secret.is_new:
        click.echo(f"slysock: made a secret, kept in {secret.file}", err=True)
    claims = {
        "userId": int(user) if user.isascii() and user.isdigit() else user,
        "role": role,
        "name": name,
        "email": email,
    }
    token = make_token(
        secret.text,
        {claim: value for claim, value in claims.items() if value is not None},
        now=time.time(),
        expires_in_seconds=expires.total_seconds(),
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
    )
    click.echo(token)


@final
class TokenCommand(SectionedCommand):
    """The command, whose help lists the roles that the systems declare."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the roles."""
        from slysock.cli.loading import describe_systems  # here, as making a token needs no system

        super().format_options(ctx, formatter)
        with formatter.section("Roles, in upper or lower case"):
            roles = {system.name: system.roles for system in run(describe_systems, tuple(SYSTEMS))}
            formatter.write_dl([(name, ", ".join(words)) for name, words in {**roles, **BACK_END}.items()])


token: Final = TokenCommand(
    "token",
    {
        "Whom it identifies": [
            click.Option(["--user"], required=True, metavar="ID", help="The user's id; a number if it is all digits."),
            click.Option(["--role"], metavar="ROLE", help="One of those below, or of a system of your own."),
            click.Option(["--name"], metavar="NAME", help="The name that others see."),
            click.Option(["--email"], metavar="ADDRESS", help="The email address that others see."),
            click.Option(
                ["--expires"],
                callback=_read_duration,
                default="24h",
                show_default=True,
                help="How long it is valid: 30m, 12h, 7d.",
            ),
        ],
        "Who will verify it (as for slysock serve)": [store_option(), *token_options(), config_option()],
    },
    callback=_token,
)
