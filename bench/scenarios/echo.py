"""Requests: a client's event that the server acknowledges, and a server's that a client acknowledges."""

from typing import Final

from bench.generator import Options
from bench.scenarios.model import Point, Scenario

CLIENTS: Final = (1, 10, 100, 1000)


def _options(clients: int, request: str = "echo", **more: int) -> Options:
    return {"clients": clients, "requesters": clients, "request": request, "gc": 1, **more}


ECHO: Final = Scenario(
    name="echo",
    title="Echo with acknowledgement: one request at a time from each client",
    counted="requests",
    series="request",
    x_title="clients",
    points=[
        Point(label=f"{clients} clients", x=clients, options=_options(clients), quick=clients == 100)
        for clients in CLIENTS[1:]
    ],
)

ROUND_TRIP: Final = Scenario(
    name="round-trip",
    title="One client's round trip",
    counted="requests",
    series="request",
    x_title="clients",
    points=[Point(label="1 client", x=1, options=_options(1), quick=True)],
)

ASK: Final = Scenario(
    name="ask",
    title="Server-to-client call: the server asks the client before it acknowledges",
    counted="requests",
    series="request",
    x_title="clients",
    needs=frozenset({"websocket", "ask"}),
    points=[Point(label=f"{clients} clients", x=clients, options=_options(clients, "ask")) for clients in CLIENTS],
)

MIXED: Final = Scenario(
    name="transports",
    title="Echo with acknowledgement of 100 clients over polling, over WebSocket after an upgrade, and mixed",
    counted="requests",
    series="request",
    x_title="% of clients that poll",
    needs=frozenset({"websocket", "polling"}),
    points=[
        Point(
            label=f"{polling} % polling, {upgraded} % upgraded",
            x=polling,
            options=_options(100, polling_percent=polling, upgrade_percent=upgraded),
        )
        for polling, upgraded in ((0, 100), (10, 40), (50, 0), (100, 0))
    ],
)
