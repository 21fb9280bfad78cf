"""The names and signatures that users rely on."""

import inspect

import pytest

import slysock
from slysock import Namespace, Router, Server, Socket, run


def test_the_public_names_are_these() -> None:
    assert slysock.__all__ == [
        "NO_ACK",
        "AckTimeout",
        "AnswerHeaders",
        "Broadcast",
        "Config",
        "ConnectionRefused",
        "DisconnectReason",
        "Disconnected",
        "EngineHooks",
        "EngineRequest",
        "Handshake",
        "InvalidPayload",
        "Listening",
        "LocalProtocolError",
        "Namespace",
        "NoAck",
        "Origins",
        "RateLimited",
        "Refusal",
        "RefusedRequest",
        "Router",
        "Server",
        "Socket",
        "run",
    ]
    assert all(hasattr(slysock, name) for name in slysock.__all__)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Router, ["namespace"]),
        (Router.on, ["self", "event", "concurrency", "until_disconnect"]),
        (Router.use, ["self", "middleware"]),
        (Router.on_connect, ["self", "hook"]),
        (Router.on_disconnect, ["self", "hook"]),
        (Router.include, ["self", "other"]),
        (Server, ["routers", "config", "app", "internal_app", "lifespan", "hooks"]),
        (Server.serve, ["self", "host", "port", "tls", "unix_path", "internal", "task_status"]),
        (Server.of, ["self", "name"]),
        (run, ["routers", "host", "port", "config", "app", "internal_app", "lifespan", "hooks", "tls", "internal"]),
        (Socket.emit, ["self", "event", "args"]),
        (Socket.call, ["self", "event", "args", "timeout"]),
        (Socket.join, ["self", "rooms"]),
        (Socket.leave, ["self", "rooms"]),
        (Socket.to, ["self", "rooms"]),
        (Socket.disconnect, ["self", "close"]),
        (Namespace.to, ["self", "rooms"]),
        (Namespace.except_, ["self", "rooms"]),
        (Namespace.emit, ["self", "event", "args"]),
        (Namespace.call, ["self", "event", "args", "timeout"]),
    ],
)
def test_the_fixed_signatures(function: object, parameters: list[str]) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters


def test_emit_is_a_plain_function_and_call_is_not() -> None:
    assert not inspect.iscoroutinefunction(Socket.emit)
    assert not inspect.iscoroutinefunction(slysock.Broadcast.emit)
    assert inspect.iscoroutinefunction(Socket.call)


def test_the_default_values_that_users_rely_on() -> None:
    assert inspect.signature(run).parameters["host"].default == "127.0.0.1"
    assert inspect.signature(run).parameters["port"].default == 3000
    assert inspect.signature(Socket.call).parameters["timeout"].default == 5
    assert inspect.signature(Socket.disconnect).parameters["close"].default is False


def public(kind: type) -> list[str]:
    return sorted(name for name in dir(kind) if not name.startswith("_"))


def test_what_users_hold_shows_only_what_is_theirs() -> None:
    speaking = ["emit", "call", "to", "except_", "volatile"]
    waiting = ["waiting_bytes", "drained", "received", "when_received"]
    of_a_socket = ["id", "namespace", "handshake", "data", "connected", "joining", "gone", "rooms", "join", "leave"]
    assert public(Socket) == sorted(
        [
            *speaking,
            *of_a_socket,
            *waiting,
            "broadcast",
            "after_ack",
            "start_soon",
            "disconnect",
            "report_refusal",
            "user",
            "set_user",
        ]
    )
    assert public(Namespace) == sorted([*speaking, "client_count", "sockets", "get"])  # and `name`, of each one
    assert public(slysock.Broadcast) == sorted([*speaking, "sockets", "join", "leave", "disconnect"])
    assert public(Server) == sorted(
        ["of", "observe", "add_check", "statistics", "serve", "stop", "running", "serve_stream"]
    )  # and `config`, of each one
