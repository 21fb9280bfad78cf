"""What stock clients do by default: they connect by polling, then upgrade. And what polling costs for clients that stay
with it, because a proxy lets nothing else through."""

from typing import Final, Literal, TypeAlias

from bench.generator import Options
from bench.peers.registry import Feature
from bench.scenarios.model import Point, Scenario

Stock: TypeAlias = Literal["browser", "node"]
"""Whose requests the generator writes: generator/head.h. A browser keeps its connections, a client on Node does not."""

STOCKS: Final[tuple[Stock, ...]] = ("browser", "node")
POLLING: Final[frozenset[Feature]] = frozenset({"polling"})
ROOMS: Final[frozenset[Feature]] = POLLING | {"rooms"}


def _polling(stock: Stock, clients: int, **more: int) -> Options:
    return {"clients": clients, "polling_percent": 100, "stock": stock, "gc": 1, **more}


STOCK_CONNECTS: Final = Scenario(
    name="stock-connects",
    title="Connections per second as stock clients make them, through CONNECT and upgrade; each says goodbye at once",
    counted="connects",
    series="connect",
    x_title="at once",
    needs=POLLING,
    points=[
        Point(
            label=f"{transport}, {stock}, {at_once} at once",
            x=at_once,
            group=f"{transport}, {stock}",
            options={
                "clients": 1,
                "stock": stock,
                "visitors_at_once": at_once,
                "visitors_transport": transport,
                "visitors_stay_ms": 0,
                "gc": 1,
            },
            quick=(transport, stock, at_once) == ("upgrade", "browser", 16),
            needs=frozenset({"upgrade"}) if transport == "upgrade" else frozenset(),
        )
        for transport in ("upgrade", "polling")
        for stock in STOCKS
        for at_once in (1, 16, 64)
    ],
)

POLLING_ECHO: Final = Scenario(
    name="polling-echo",
    title="Echo with acknowledgement by polling: asked in a POST, answered in a GET; one at a time from each client",
    counted="requests",
    series="request",
    x_title="clients",
    needs=POLLING,
    points=[
        Point(
            label=f"{clients} clients, {stock}",
            x=clients,
            group=stock,
            options={**_polling(stock, clients, requesters=clients), "request": "echo"},
        )
        for stock in STOCKS
        for clients in (10, 100, 1000)
    ],
)

POLLING_FANOUT: Final = Scenario(
    name="polling-fanout",
    title="Messages to a room in which everybody polls, one on its way at a time",
    counted="deliveries",
    series="delivery_polling",
    x_title="clients",
    needs=ROOMS,
    points=[
        Point(
            label=f"{clients} clients, {stock}",
            x=clients,
            group=stock,
            options=_polling(stock, clients, rooms=1, in_flight=1),
        )
        for stock in STOCKS
        for clients in (10, 100, 1000)
    ],
)
