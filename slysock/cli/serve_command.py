"""`slysock serve`: from settings to a server that runs until it is told to stop."""

import logging
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

import click
import trio

from slysock import Config, Listening, Server
from slysock.cli.commands import ARGUMENTS, SectionedCommand
from slysock.cli.health import health_checks
from slysock.cli.keys import Secret, find_secret, load_key, load_tls
from slysock.cli.loading import load_makers, make_systems
from slysock.cli.logs import start_logging
from slysock.cli.opening import first_of, opened_store, run
from slysock.cli.options import SERVE
from slysock.cli.reloading import Reloading
from slysock.cli.settings import ListenSettings, Settings, SettingsError, read_settings
from slysock.cli.welcome import print_welcome
from slysock.http.listeners import Address
from slysock.identity import Tokens
from slysock.process import call_on_hangup, ignore_hangups, return_memory, settle_in, stop_on_signals
from slysock.systems.admission import user_in
from slysock.systems.assembly import Assembly, assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.metrics import SystemsMetrics
from slysock.systems.system import SystemUnusable
from slysock.telemetry import AccessLog

logger = logging.getLogger("slysock")


def _serve(**values: object) -> None:
    ignore_hangups()
    settings = read_settings(values)
    start_logging(settings.watch.log_level, settings.watch.log_format)
    settle_in()
    run(run_server, settings, partial(_reread, click.get_current_context().meta[ARGUMENTS]))


def _reread(arguments: tuple[str, ...]) -> Settings:
    with serve.make_context("serve", list(arguments)) as context:
        return read_settings(context.params)


serve: Final = SectionedCommand("serve", SERVE, callback=_serve)


async def run_server(settings: Settings, reread: Callable[[], Settings]) -> None:
    """Serve until a signal comes; a second one cuts the graceful stop short.

    Args:
        settings: all of them.
        reread: reads them again, for SIGHUP.

    Raises:
        SettingsError: the server cannot start with these settings; may come in a group.
    """
    makers = load_makers(settings.systems)  # before anything is made that stays
    secret = None if settings.tokens.is_asymmetric else find_secret(settings.tokens)
    tokens = Tokens(
        load_key(settings.tokens, secret),
        audience=settings.tokens.jwt_audience,
        issuer=settings.tokens.jwt_issuer,
        cookie_origins=settings.config.cors_origins or (),
    )
    tls = load_tls(settings.listen.certfile, settings.listen.keyfile)
    opening = opened_store(
        settings.tokens.store,
        wait_seconds=settings.store.store_wait,
        min_free_bytes=settings.systems_settings.min_free_bytes,
    )
    async with opening as store, trio.open_nursery() as nursery:
        metrics = SystemsMetrics() if settings.watch.metrics else None
        foundation = make_foundation(
            store if metrics is None else metrics.watch(store), tokens, settings.systems_settings
        )
        assembly = assemble(
            make_systems(makers, foundation),
            foundation,
            cors_origins=settings.config.cors_origins,
            metrics=metrics,
            has_internal_listener=settings.listen.internal is not None,
        )
        _prepare(assembly)
        nursery.start_soon(assembly.run)
        await nursery.start(call_on_hangup, Reloading(settings, reread, tokens, tls).reload)
        _warn_of_names(settings.config)
        await _serve_systems(settings, assembly, secret, tls)
        nursery.cancel_scope.cancel()


def _prepare(assembly: Assembly) -> None:
    try:
        assembly.prepare()
    except SystemUnusable as error:
        raise SettingsError(str(error)) from error


def _warn_of_names(config: Config) -> None:
    if config.cors_origins is not None and config.allowed_hosts is None:
        logger.warning(
            "--cors-origin without --allowed-host: a page of anybody who lets a name point here (DNS rebinding) is on "
            "the same host as this server, and counts as its own"
        )


async def _serve_systems(
    settings: Settings, assembly: Assembly, secret: Secret | None, tls: ssl.SSLContext | None
) -> None:
    server = Server(*assembly.routers, config=settings.config, app=assembly.app, internal_app=assembly.internal_app)
    assembly.started(server)
    foundation = assembly.foundation
    for check in health_checks(foundation.store, foundation.tokens):
        server.add_check(check)
    server.observe(AccessLog(user_in))
    async with trio.open_nursery() as nursery:
        within = settings.config.shutdown_seconds
        await nursery.start(partial(stop_on_signals, server.stop, nursery.cancel_scope, within=within))
        nursery.start_soon(return_memory, server.config.memory_release_seconds)
        stopped = trio.Event()
        listening = await _start(server, settings.listen, tls, nursery, stopped)
        print_welcome(settings, listening, assembly.systems, secret)
        await stopped.wait()
        nursery.cancel_scope.cancel()


async def _start(
    server: Server, listen: ListenSettings, tls: ssl.SSLContext | None, nursery: trio.Nursery, stopped: trio.Event
) -> Listening:
    async def run(task_status: trio.TaskStatus[Listening]) -> None:  # noqa: ASYNC128 - it is passed on
        await server.serve(
            listen.host,
            listen.port,
            tls=tls,
            unix_path=listen.unix,
            internal=listen.internal,
            task_status=task_status,
        )
        stopped.set()

    try:
        listening: Listening = await nursery.start(run)
    except* OSError as group:
        where = str(Address(host=listen.host, port=listen.port, unix_path=listen.unix))
        inside = "" if listen.internal is None else f" or on {listen.internal}"
        raise SettingsError(f"cannot listen on {where}{inside}: {_text_of(first_of(group))}") from None
    return listening


def _text_of(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
