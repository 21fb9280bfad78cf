"""Messages to rooms, in several shapes, also while clients join and leave; and what both cost as rooms multiply."""

from typing import Final

from bench.generator import Options
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

ROOM_COUNTS: Final = (100, 1000, 10_000, 100_000)
MEMBERS: Final = 10  # of each room, however many rooms there are: so each client is in more and more of them
CLIENTS: Final = 1000


def _rooms(count: int, **more: int) -> Options:
    return {"clients": CLIENTS, "rooms": count, "rooms_per_client": count * MEMBERS // CLIENTS, "gc": 1, **more}


ROOM_JOINS: Final = Scenario(
    name="room-joins",
    title="A join or a leave, acknowledged, by 64 clients, as the number of rooms of 10 grows",
    counted="joins",
    series="join",
    x_title="rooms",
    needs=frozenset({"websocket", "rooms"}),
    points=[
        Point(label=f"{count} rooms", x=count, options=_rooms(count, roamers=64), growth=True) for count in ROOM_COUNTS
    ],
)

ROOM_MESSAGES: Final = Scenario(
    name="room-messages",
    title="A message to a room of 10, eight on their way at once, as the number of such rooms grows",
    counted="deliveries",
    series="delivery",
    x_title="rooms",
    needs=frozenset({"websocket", "rooms"}),
    points=[
        Point(label=f"{count} rooms", x=count, options=_rooms(count, in_flight=8), growth=True) for count in ROOM_COUNTS
    ],
)
