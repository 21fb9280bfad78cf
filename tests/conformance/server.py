"""The server that the suites of the protocol repositories talk to.

    python -m tests.conformance.server --port 3000                  # Socket.IO suite
    python -m tests.conformance.server --port 3000 --engine-only    # Engine.IO suite
    ... --ping-interval-ms 25000 --ping-timeout-ms 20000            # tells closing at once from closing by timeout

Prints its address when it is ready; port 0 takes a free one. SIGINT and SIGTERM end it.
"""

import argparse
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from slysock import Config, Listening, Router, Server, Socket
from slysock.front import Front
from slysock.http.listeners import Address, bound, describe
from tests.conformance.echo import Echo

MAX_PAYLOAD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line."""

    host: str
    port: int
    config: Config
    engine_only: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes."""
    trio.run(serve, parse_options(arguments))


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Read the command line; the defaults are what the official suites are written for."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.server", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--ping-interval-ms", type=float, default=300)
    parser.add_argument("--ping-timeout-ms", type=float, default=200)
    parser.add_argument("--connect-timeout-ms", type=float, default=1000)
    parser.add_argument("--engine-only", action="store_true", help="echo Engine.IO messages at /engine.io/")
    given = parser.parse_args(arguments)
    config = Config(
        path="/engine.io/" if given.engine_only else "/socket.io/",
        ping_interval_seconds=given.ping_interval_ms / 1000,
        ping_timeout_seconds=given.ping_timeout_ms / 1000,
        connect_timeout_seconds=given.connect_timeout_ms / 1000,
        max_payload_bytes=MAX_PAYLOAD_BYTES,
    )
    return Options(host=given.host, port=given.port, config=config, engine_only=given.engine_only)


async def serve(options: Options) -> None:
    """Serve what the options say, and say where; a signal ends it at once."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancel_on_signal, nursery.cancel_scope)
        listening: Listening = await nursery.start(server_of(options), options)
        print(f"{listening.url}{options.config.path}", flush=True)


class Serve(Protocol):
    """Serves until cancelled."""

    async def __call__(self, options: Options, *, task_status: trio.TaskStatus[Listening]) -> None:
        """Say where when ready."""


def server_of(options: Options) -> Serve:
    """Choose what to start."""
    return serve_engine if options.engine_only else serve_all


async def serve_all(  # noqa: ASYNC128 - hands task_status on
    options: Options, *, task_status: trio.TaskStatus[Listening]
) -> None:
    """Serve Socket.IO, by the public API."""
    server = Server(*routers(), config=options.config)
    await server.serve(options.host, options.port, task_status=task_status)


async def serve_engine(  # noqa: ASYNC128 - hands task_status on
    options: Options, *, task_status: trio.TaskStatus[Listening]
) -> None:
    """Serve only what lies below Socket.IO."""
    async with bound(Address(host=options.host, port=options.port)) as listeners:
        listening = describe(listeners[0], Address(host=options.host, port=options.port))
        await Front(options.config, accept=Echo).serve(listeners, listening, task_status=task_status)


async def cancel_on_signal(scope: trio.CancelScope) -> None:
    """End the server by the signals that a shell or a test sends."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


def routers() -> tuple[Router, Router]:
    """Make `/`, which answers, and `/custom`, which only greets."""
    root, custom = Router("/"), Router("/custom")
    for router in (root, custom):
        router.on_connect(greet)

    @root.on("message")
    def message(socket: Socket, *args: object) -> None:
        socket.emit("message-back", *args)

    @root.on("message-with-ack")
    def message_with_ack(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    return root, custom


def greet(socket: Socket) -> None:
    """Show a client what it sent along with its CONNECT."""
    socket.emit("auth", socket.handshake.auth or {})


if __name__ == "__main__":
    main()
