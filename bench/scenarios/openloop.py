"""A fixed rate, whether or not the server keeps up: latency counts from when a message was meant to be sent, so a
server that stalls cannot hide how long it made others wait."""

from typing import Final

from bench.scenarios.model import Point, Scenario

CLIENTS: Final = 1000
PERCENTS: Final = (10, 30, 50, 70, 90)

OPEN_LOOP: Final = Scenario(
    name="open-loop",
    title="Fan-out to 1000 clients at a fixed rate, in percent of the capacity of socket.io on Node",
    counted="deliveries",
    series="delivery",
    x_title="% of Node's capacity",
    calibration={"clients": CLIENTS, "in_flight": 1},
    points=[
        Point(
            label=f"{percent} %",
            x=percent,
            options={"clients": CLIENTS, "gc": 1},
            of_capacity=percent / 100,
            quick=percent == 50,
        )
        for percent in PERCENTS
    ],
)
