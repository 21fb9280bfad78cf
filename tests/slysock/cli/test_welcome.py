"""What is said when the server is ready."""

from pathlib import Path

import pytest
import trio

from slysock import Config, Listening, Router
from slysock.cli.keys import Secret
from slysock.cli.settings import ListenSettings, Settings, StoreSettings, TokenSettings, WatchSettings
from slysock.cli.welcome import welcome
from slysock.systems.settings import SystemSettings
from slysock.systems.system import System

KEPT = Secret("s", Path("var/secret"))


def said(
    *,
    roles: tuple[str, ...] = (),
    secret: Secret | None = KEPT,
    path: str = "/socket.io/",
    proxies: tuple[str, ...] = (),
    **tokens: str,
) -> str:
    settings = Settings(
        config=Config(path=path, trusted_proxies=proxies),
        tokens=TokenSettings(**tokens),
        store=StoreSettings(),
        listen=ListenSettings(),
        watch=WatchSettings(),
        systems=("inn",),
        systems_settings=SystemSettings(),
    )
    inn = System(name="inn", routers=(Router("/inn"),), run=trio.sleep_forever, roles=roles)
    return welcome(settings, Listening("http://127.0.0.1:3000", 3000), [inn], secret).plain


def test_a_newcomer_is_advised_to_try_the_first_role_of_the_first_system() -> None:
    assert "slysock token --user 1 --role guest\n" in said(roles=("guest", "host"))


def test_a_system_without_roles_asks_for_none() -> None:
    assert "slysock token --user 1\n" in said()


def test_the_line_to_connect_fits_the_server() -> None:
    assert 'io("http://127.0.0.1:3000/inn", { auth: { token } })' in said()
    assert 'io("http://127.0.0.1:3000/inn", { path: "/chat/", auth: { token } })' in said(path="/chat/")


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (KEPT, "HS256, with the secret kept in var/secret"),
        (Secret("s", Path("var/secret"), is_new=True), "HS256, with the secret just made and kept in var/secret"),
        (Secret("s", None), "HS256, with the secret that was set"),
    ],
)
def test_where_the_secret_is_is_said_but_not_the_secret(secret: Secret, text: str) -> None:
    assert f"  tokens    {text}\n" in said(secret=secret)


def test_with_public_keys_nobody_is_advised_to_make_a_token() -> None:
    text = said(secret=None, jwt_jwks_url="https://login.example/keys")
    assert "verified with the public keys at https://login.example/keys" in text
    assert "slysock token" not in text


def test_while_no_proxy_is_named_it_is_said_whom_limits_of_addresses_are_for() -> None:
    assert (
        "  limits    per address, but none on loopback and Unix sockets; no --trusted-proxy: clients of any" in said()
    )
    assert "--trusted-proxy" not in said(proxies=("10.0.0.0/8",))
