"""What `slysock serve` prints when it is ready: where, what, and the next thing to try. No secret."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from slysock import Listening
from slysock.cli.keys import Secret
from slysock.cli.opening import without_password
from slysock.cli.settings import DEFAULT_STORE, Settings
from slysock.systems.system import System

_LABEL_WIDTH: Final = 10
_NO_PROXY: Final = (
    "per address, but none on loopback and Unix sockets; no --trusted-proxy: clients of any other are one"
)


def print_welcome(settings: Settings, listening: Listening, systems: Sequence[System], secret: Secret | None) -> None:
    """Print the welcome to standard output, in one write, so that whoever waits for it reads all of it."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(welcome(settings, listening, systems, secret))


def welcome(settings: Settings, listening: Listening, systems: Sequence[System], secret: Secret | None) -> Text:
    """Compose the welcome."""
    text = Text()
    text.append("slysock is ready\n", style="bold green")
    facts = [("address", listening.url)]
    facts += [("internal", listening.internal.url)] if listening.internal is not None else []
    facts += [("system", f"{system.name} ({', '.join(system.namespaces)})") for system in systems]
    facts += [("store", without_password(settings.tokens.store)), ("tokens", _tokens(settings, secret))]
    facts += [("limits", _NO_PROXY)] if not settings.config.trusted_proxies else []
    for label, value in facts:
        text.append(f"  {label:<{_LABEL_WIDTH}}", style="bold").append(f"{value}\n")
    text.append("Next: ", style="bold")
    text.append(_next_step(settings, listening, systems[0], secret))
    text.append("Stop with Ctrl+C.")
    return text


def _tokens(settings: Settings, secret: Secret | None) -> str:
    if secret is None:
        url, file = settings.tokens.jwt_jwks_url, settings.tokens.jwt_public_key
        return f"verified with the public keys at {url}" if file is None else f"verified with the public key in {file}"
    if secret.file is None:
        return "HS256, with the secret that was set"
    made = "just made and kept" if secret.is_new else "kept"
    return f"HS256, with the secret {made} in {secret.file}"


def _next_step(settings: Settings, listening: Listening, system: System, secret: Secret | None) -> str:
    origin = "http://localhost" if settings.listen.unix else listening.url  # of a proxy in front of it
    namespace = f"{origin}{system.namespaces[0]}"
    path = settings.config.path
    options = "{ auth: { token } }" if path == "/socket.io/" else f'{{ path: "{path}", auth: {{ token }} }}'
    connect = f"connect a client with  io({namespace!r}, {options})\n".replace("'", '"')
    if secret is None:
        return connect
    command = [_program(), "token", "--user", "1", *(["--role", system.roles[0]] if system.roles else [])]
    if settings.tokens.store != DEFAULT_STORE:
        command += ["--store", without_password(settings.tokens.store)]
    return f"make a token with  {shlex.join(command)}\n      {connect}"


def _program() -> str:
    """Return the command as we were called, so that the line works when it is pasted."""
    program = Path(sys.argv[0])
    return str(program) if program.name == "slysock" else "slysock"
