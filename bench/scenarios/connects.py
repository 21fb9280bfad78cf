"""Connections: how many per second by WebSocket alone (stock.py has the others), and the memory of an idle one."""

from typing import Final

from bench.scenarios.model import Point, Scenario

CONNECTS: Final = Scenario(
    name="connects",
    title="Connections per second, through CONNECT; each leaves at once",
    counted="connects",
    series="connect",
    x_title="at once",
    points=[
        Point(
            label=f"websocket, {at_once} at once",
            x=at_once,
            options={"clients": 1, "visitors_at_once": at_once, "visitors_stay_ms": 0, "gc": 1},
            quick=at_once == 16,
        )
        for at_once in (1, 16, 64)
    ],
)

GROWTH: Final = {1000, 5000, 10_000, 20_000}

MEMORY: Final = Scenario(
    name="memory",
    title="Idle memory per connection",
    counted="connects",
    series="connect",
    x_title="connections",
    kind="memory",
    points=[
        Point(
            label=f"{clients} connections",
            x=clients,
            options={"clients": clients},
            quick=clients == 2000,
            growth=clients in GROWTH,
        )
        for clients in (100, 1000, 2000, 5000, 10_000, 20_000)
    ],
)
