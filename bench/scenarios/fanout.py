"""One message to everybody: how latency and throughput behave as the number of recipients grows."""

from typing import Final

from bench.generator import Options
from bench.scenarios.model import Point, Scenario

CLIENTS: Final = (10, 100, 1000, 10_000)
IN_FLIGHT: Final = (1, 8, 64)
QUICK: Final = {(1000, 1), (1000, 8)}
GROWTH: Final = {(clients, in_flight) for clients in (100, 1000, 10_000) for in_flight in (1, 8)}


def _options(clients: int, in_flight: int, **more: int) -> Options:
    """Return options for some messages in flight at once, each from another client."""
    return {"clients": clients, "in_flight": in_flight, "publishers": min(clients, in_flight), "gc": 1, **more}


FANOUT: Final = Scenario(
    name="fanout",
    title="Fan-out: 64 bytes to every client",
    counted="deliveries",
    series="delivery",
    x_title="clients",
    points=[
        Point(
            label=f"{clients} clients, {in_flight} in flight",
            x=clients,
            group=f"{in_flight} in flight",
            options=_options(clients, in_flight),
            quick=(clients, in_flight) in QUICK,
            growth=(clients, in_flight) in GROWTH,
        )
        for in_flight in IN_FLIGHT
        for clients in CLIENTS
    ],
)

PAYLOADS: Final = Scenario(
    name="payloads",
    title="Fan-out to 1000 clients: text and binary of several sizes",
    counted="deliveries",
    series="delivery",
    x_title="bytes",
    needs=frozenset({"websocket", "binary"}),
    points=[
        Point(
            label=f"{size} B {'binary' if binary else 'text'}",
            x=size,
            group="binary" if binary else "text",
            options=_options(1000, 1, payload=size, binary=binary),
        )
        for binary in (0, 1)
        for size in (64, 1024, 16_384)
    ],
)
