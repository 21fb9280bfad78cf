"""What a server that runs takes on by SIGHUP: certificates, the keys of tokens, the log level; all of it or nothing.

Flags and the environment are those that the process was started with. Files are read again: the certificate and its
key, a public key, the kept secret, and the one of `--config`.
"""

import logging
import ssl
from collections.abc import Callable
from typing import final

import click

from slysock.cli.keys import find_secret, load_key, load_tls
from slysock.cli.logs import set_log_level
from slysock.cli.settings import Settings, SettingsError
from slysock.extras import MissingExtra
from slysock.identity import KeySource, Tokens

logger = logging.getLogger("slysock")


@final
class Reloading:
    """Brings a server's settings up to date, as far as that can be done while it runs.

    Args:
        settings: what it was started with.
        reread: reads them again.
        tokens: whose keys are to be changed.
        tls: whose certificate is; None for a server without.
    """

    def __init__(
        self, settings: Settings, reread: Callable[[], Settings], tokens: Tokens, tls: ssl.SSLContext | None
    ) -> None:
        self._settings = settings
        self._reread = reread
        self._tokens = tokens
        self._tls = tls

    def reload(self) -> None:
        """Take on what has changed. Never raises: what cannot be used is logged, and nothing changes. Blocks shortly.

        Whoever is connected stays, by the certificate and the key that let them in.
        """
        try:
            self._reload()
        except (SettingsError, MissingExtra, click.ClickException) as error:
            text = error.format_message() if isinstance(error, click.ClickException) else str(error)
            logger.error("nothing is reloaded: %s", text)  # noqa: TRY400 - the operator's to put right, not ours
        except Exception:  # the boundary of a signal, which must not end a server
            logger.exception("nothing is reloaded")
        else:
            logger.info("certificates, keys of tokens and the log level are reloaded; the rest needs a restart")

    def _reload(self) -> None:
        settings = self._reread()
        certfile, keyfile = settings.listen.certfile, settings.listen.keyfile
        can_be_used = load_tls(certfile, keyfile)  # looked at apart: a live context would keep half of a bad pair
        keys = self._changed_keys(settings)
        if self._tls is not None and can_be_used is not None:
            assert certfile is not None
            self._tls.load_cert_chain(certfile, keyfile)
        if keys is not None:
            self._tokens.keys = keys
        set_log_level(settings.watch.log_level)
        self._settings = settings

    def _changed_keys(self, settings: Settings) -> KeySource | None:
        """Load the keys of tokens; None: those at the same URL as before, which rotate by themselves."""
        tokens = settings.tokens
        if tokens.jwt_jwks_url is not None and tokens.jwt_jwks_url == self._settings.tokens.jwt_jwks_url:
            return None
        return load_key(tokens, None if tokens.is_asymmetric else find_secret(tokens))
