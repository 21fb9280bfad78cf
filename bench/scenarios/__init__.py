"""The scenarios, by name. To add one: a module here with a Scenario, and its name in SCENARIOS."""

from typing import Final

from bench.scenarios.chat import CHAT
from bench.scenarios.connects import CONNECTS, MEMORY
from bench.scenarios.disturbance import CHURN, SLOW, STORM
from bench.scenarios.echo import ASK, ECHO, MIXED, ROUND_TRIP
from bench.scenarios.fanout import FANOUT, PAYLOADS
from bench.scenarios.model import Point, Scenario
from bench.scenarios.openloop import OPEN_LOOP
from bench.scenarios.rooms import ROOM_JOINS, ROOM_MESSAGES, ROOMS
from bench.scenarios.stock import POLLING_ECHO, POLLING_FANOUT, STOCK_CONNECTS

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        FANOUT,
        PAYLOADS,
        OPEN_LOOP,
        ROOMS,
        ROOM_JOINS,
        ROOM_MESSAGES,
        ECHO,
        ROUND_TRIP,
        ASK,
        MIXED,
        CONNECTS,
        STOCK_CONNECTS,
        POLLING_ECHO,
        POLLING_FANOUT,
        STORM,
        CHURN,
        SLOW,
        MEMORY,
        CHAT,
    )
}

__all__ = ["SCENARIOS", "Point", "Scenario"]
