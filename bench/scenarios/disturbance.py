"""What others notice of a disturbance: a storm of connects, clients that come and go, clients that are stuck."""

from typing import Final

from bench.generator import Options
from bench.scenarios.model import Point, Scenario

FAN_OUT: Final[Options] = {"clients": 1000, "gc": 1}
HALF: Final = 0.5
CALIBRATION: Final[Options] = {"clients": 1000, "in_flight": 1}

STORM: Final = Scenario(
    name="storm",
    title="2000 connects while a fan-out to 1000 runs at a quarter of Node's capacity",
    counted="deliveries",
    series="delivery",
    x_title="connects",
    calibration=CALIBRATION,
    points=[
        Point(
            label=f"{total} connects",
            x=total,
            of_capacity=HALF / 2,
            options={
                **FAN_OUT,
                "visitors_at_once": 200 if total else 0,
                "visitors_total": total,
                "visitors_stay_ms": -1,
                "visitors_delay": 0.1,
            },
        )
        for total in (0, 2000)
    ],
)

CHURN: Final = Scenario(
    name="churn",
    title="1 % of 1000 clients reconnecting all the time, at half of Node's capacity",
    counted="deliveries",
    series="delivery",
    x_title="clients that reconnect",
    calibration=CALIBRATION,
    points=[
        Point(
            label=f"{churning} reconnecting",
            x=churning,
            of_capacity=HALF,
            options={**FAN_OUT, "visitors_at_once": churning, "visitors_stay_ms": 100},
        )
        for churning in (0, 10)
    ],
)

SLOW: Final = Scenario(
    name="slow-consumer",
    title="A client that does not read, among 1000, at half of Node's capacity and 1 KiB",
    counted="deliveries",
    series="delivery",
    x_title="slow clients",
    calibration=CALIBRATION,
    points=[
        Point(
            label=f"{slow} slow",
            x=slow,
            of_capacity=HALF,
            options={**FAN_OUT, "slow": slow, "payload": 1024},
        )
        for slow in (0, 1, 10)
    ],
)
