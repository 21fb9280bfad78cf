"""A soak test: churn for minutes, after which the server must not hold more memory than near the beginning.

Rounds of the same load: publishing to steady clients while others connect by WebSocket, by polling and by an upgrade,
and leave at once. The first third of the rounds fills caches and the allocator's arenas; the memory after it is the
mark with which the last rounds are compared.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.generator import Options, measure
from bench.machine import choose_cores
from bench.peers.registry import PEERS
from bench.peers.server import serving

ROUND_SECONDS: Final = 20.0
TRANSPORTS: Final = ("websocket", "polling", "upgrade")
FEWEST_ROUNDS: Final = 3  # one of each transport
ALLOWED_GROWTH: Final = 0.05
"""As a fraction of the mark: what an allocator may keep in pieces too small to give back."""

LOAD: Final[Options] = {
    "clients": 200,
    "in_flight": 1,
    "publishers": 1,
    "payload": 64,
    "visitors_at_once": 16,
    "visitors_stay_ms": 0,
    "warmup": 0.5,
    "seconds": ROUND_SECONDS,
    "limit": 3 * ROUND_SECONDS,
}


class SoakFailed(Exception):
    """A round lost a message, or the memory has grown."""


def soak(peer: str, minutes: float, tell: Callable[[str], None]) -> None:
    """Soak a server for some minutes, reporting the memory after each round.

    Raises:
        SoakFailed: a message was lost or out of order, or the memory at the end is above the mark.
        ProcessFailed: the server or the generator ended.
    """
    rounds = max(FEWEST_ROUNDS + 1, round(minutes * 60 / ROUND_SECONDS))
    cores = choose_cores()
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        serving(PEERS[peer], cores.server, Path(folder)) as server,
    ):
        marks: list[int] = []
        for number in range(rounds):
            transport = TRANSPORTS[number % len(TRANSPORTS)]
            options = {**LOAD, "port": server.port, "server_pid": server.pid, "visitors_transport": transport}
            measured, complaint = measure(options, cores.generator, Path(folder) / f"round-{number}.log")
            if measured.failures:
                raise SoakFailed(f"round {number + 1}: {complaint}")
            marks.append(server.memory_bytes())
            tell(
                f"round {number + 1} of {rounds}: {measured.connects} visitors by {transport}, "
                f"{measured.deliveries} deliveries, {marks[-1] / 1e6:.1f} MB"
            )
    mark = max(marks[: max(FEWEST_ROUNDS, rounds // 3)])
    end = statistics.median(marks[-FEWEST_ROUNDS:])
    if end > mark * (1 + ALLOWED_GROWTH):
        raise SoakFailed(f"{end / 1e6:.1f} MB at the end, {mark / 1e6:.1f} MB after the first rounds")
    tell(f"{end / 1e6:.1f} MB at the end, {mark / 1e6:.1f} MB after the first rounds: nothing is kept")
