"""Messages to rooms, in several shapes, also while clients join and leave."""

from typing import Final

from bench.scenarios.model import Point, Scenario

ROOMS: Final = Scenario(
    name="rooms",
    title="Messages to rooms, eight on their way at once",
    counted="deliveries",
    series="delivery",
    x_title="rooms",
    needs=frozenset({"websocket", "rooms"}),
    points=[
        Point(
            label="1000 rooms of 10",
            x=1000,
            options={"clients": 1000, "rooms": 1000, "rooms_per_client": 10, "in_flight": 8, "gc": 1},
        ),
        Point(
            label="1000 rooms of 10, one room per client",
            x=1000,
            options={"clients": 10_000, "rooms": 1000, "in_flight": 8, "gc": 1},
        ),
        Point(label="1 room of 1000", x=1, options={"clients": 1000, "rooms": 1, "in_flight": 8, "gc": 1}),
        Point(
            label="100 rooms per client",
            x=10_000,
            options={"clients": 1000, "rooms": 10_000, "rooms_per_client": 100, "in_flight": 8, "gc": 1},
        ),
        Point(
            label="1000 rooms of 10, 500 joins and leaves per second",
            x=1000,
            group="with joins and leaves",
            options={
                "clients": 1000,
                "rooms": 1000,
                "rooms_per_client": 10,
                "in_flight": 8,
                "roamers": 100,
                "roam_rate": 500,
                "gc": 1,
            },
        ),
    ],
)
