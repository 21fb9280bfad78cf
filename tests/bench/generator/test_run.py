"""The generator against servers that behave and servers that do not: it must never call a faulty one fast."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.generator import Measured, Options, measure
from bench.peers.registry import PEERS, Peer
from bench.peers.server import Server, serving
from bench.process import ProcessFailed

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]

ANY_CORE = -1
SHORT: Options = {"warmup": 0.0, "seconds": 0.1, "drain": 0.5, "limit": 20}
FAN_OUT: Options = {"clients": 3, "in_flight": 2}
ROAMING: Options = {"clients": 4, "rooms": 4, "rooms_per_client": 2, "roamers": 6}
ROOMS: Options = {"clients": 4, "rooms": 4, "rooms_per_client": 2, "in_flight": 2}
ECHO: Options = {"clients": 3, "requesters": 3, "request": "echo"}
POLLING: Options = {"polling_percent": 100, "rooms": 1, "in_flight": 1}


def faulty(fault: str) -> Peer:
    return Peer(
        name=f"faulty-{fault}",
        title=fault,
        features=frozenset({"websocket"}),
        command=lambda _folder: (sys.executable, "-m", "tests.bench.faulty_server", fault),
        versions=dict,
    )


def run(server: Server, folder: Path, options: Options) -> tuple[Measured, str]:
    told = {**SHORT, **options, "port": server.port, "server_pid": server.pid}
    return measure(told, ANY_CORE, folder / "generator.log")


def run_faulty(fault: str, folder: Path, options: Options) -> tuple[Measured, str]:
    with serving(faulty(fault), ANY_CORE, folder) as server:
        return run(server, folder, options)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Server]:
    with serving(PEERS["floor"], ANY_CORE, tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def slysock(tmp_path_factory: pytest.TempPathFactory, compiled: None) -> Iterator[Server]:
    with serving(PEERS["slysock"], ANY_CORE, tmp_path_factory.mktemp("slysock")) as server:
        yield server


@pytest.mark.parametrize("options", [FAN_OUT, ECHO, ROAMING, ROOMS], ids=["fanout", "echo", "roaming", "rooms"])
def test_a_server_without_fault_passes(options: Options, tmp_path: Path) -> None:
    measured, complaint = run_faulty("none", tmp_path, options)
    assert (measured.failures, complaint) == (0, "")


@pytest.mark.parametrize(
    ("fault", "options", "told"),
    [
        ("lose", FAN_OUT, "deliveries"),
        ("repeat", FAN_OUT, "came once more"),
        ("swap", FAN_OUT, "after"),
        ("garble", ECHO, "is not that of its request"),
        ("forget", ECHO, "1 acknowledgements"),
        ("die", FAN_OUT, "closed"),
        ("absent", ROAMING, "joins"),
        ("leak", ROOMS, "in which it is not"),
    ],
)
def test_a_fault_is_found(fault: str, options: Options, told: str, tmp_path: Path) -> None:
    measured, complaint = run_faulty(fault, tmp_path, options)
    assert measured.failures
    assert told in complaint


def test_every_recipient_of_every_message_is_counted(floor: Server, tmp_path: Path) -> None:
    measured, _ = run(floor, tmp_path, {"clients": 10, "publish_rate": 200})
    delivery = measured.histogram("delivery")
    assert measured.failures == 0
    assert delivery is not None
    assert delivery.total == 10 * measured.messages > 0


def test_latency_counts_from_the_intended_time(floor: Server, tmp_path: Path) -> None:
    # More than any server can do: what is sent late was meant to be sent early, and the lag tells.
    measured, _ = run(floor, tmp_path, {"clients": 1, "publish_rate": 10_000_000, "drain": 5})
    delivery, lag = measured.histogram("delivery"), measured.histogram("lag")
    assert delivery is not None
    assert lag is not None
    assert delivery.percentile_ns(50) >= lag.percentile_ns(1)
    assert lag.maximum_ns > 1_000_000


@pytest.mark.parametrize("payload", [24, 125, 126, 4096, 65_000])
@pytest.mark.parametrize("binary", [0, 1])
def test_payloads_of_every_frame_size_arrive(floor: Server, tmp_path: Path, payload: int, binary: int) -> None:
    measured, complaint = run(floor, tmp_path, {"clients": 2, "in_flight": 1, "payload": payload, "binary": binary})
    assert (measured.failures, complaint) == (0, "")
    assert measured.deliveries > 0


def test_the_server_s_cpu_time_is_told(floor: Server, tmp_path: Path) -> None:
    measured, _ = run(floor, tmp_path, FAN_OUT)
    assert measured.server_cpu_ns > 0
    assert measured.generator_cpu_ns > 0


def test_roamers_without_a_rate_join_and_leave_as_fast_as_they_are_answered(tmp_path: Path) -> None:
    measured, _ = run_faulty("none", tmp_path, ROAMING)
    join = measured.histogram("join")
    assert join is not None
    assert measured.joins > 100
    assert join.total >= measured.joins - 6


def test_what_ran_on_a_core_is_told(floor: Server, tmp_path: Path) -> None:
    (core, *_) = sorted(os.sched_getaffinity(0))
    measured, _ = run(floor, tmp_path, {**FAN_OUT, "server_core": core, "seconds": 0.3})
    assert measured.server_core is not None
    assert 0 <= measured.server_core.busy_ns <= 1_000_000_000
    assert measured.generator_core is None


def test_more_rooms_for_each_client_than_there_are_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="rooms_per_client <= rooms"):
        measure({"port": 1, "rooms": 2, "rooms_per_client": 3}, ANY_CORE, tmp_path / "log")


def test_a_server_that_tells_something_else_of_its_collector_tells_nothing(tmp_path: Path) -> None:
    measured, complaint = run_faulty("none", tmp_path, {**FAN_OUT, "gc": 1})
    assert (measured.failures, complaint) == (0, "")
    assert measured.collector is None


def test_connections_are_held_until_told_otherwise(floor: Server, tmp_path: Path) -> None:
    seen: list[int] = []
    told = {**SHORT, "clients": 5, "port": floor.port}
    measured, _ = measure(
        told, ANY_CORE, tmp_path / "log", held=lambda: seen.append(len(list(Path(f"/proc/{floor.pid}/fd").iterdir())))
    )
    assert measured.failures == 0
    assert seen[0] >= 5


def test_an_unknown_option_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="not an option: nonsense=1"):
        measure({"port": 1, "nonsense": 1}, ANY_CORE, tmp_path / "log")


def test_a_server_that_is_not_there_is_a_failed_run(tmp_path: Path) -> None:
    measured, complaint = measure({**SHORT, "port": 1}, ANY_CORE, tmp_path / "log")
    assert measured.failures
    assert "closed" in complaint


def test_a_window_lasts_until_every_message_on_its_way_has_arrived_once(tmp_path: Path) -> None:
    measured, complaint = run_faulty("slow", tmp_path, {**FAN_OUT, "seconds": 0.01, "drain": 5})
    assert (measured.failures, complaint) == (0, "")
    assert measured.deliveries >= 3 * 2
    assert measured.measured_ns > 50_000_000  # not the 10 ms that it was told


def test_a_server_that_stands_still_does_not_keep_the_window_open(tmp_path: Path) -> None:
    measured, complaint = run_faulty("mute", tmp_path, {**FAN_OUT, "drain": 0.2})
    assert measured.measured_ns < 2_000_000_000
    assert "deliveries" in complaint


@pytest.mark.parametrize("stock", ["", "browser", "node"])
@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_visitors_of_every_kind_come_and_go(slysock: Server, tmp_path: Path, stock: str, transport: str) -> None:
    visitors: Options = {"visitors_at_once": 4, "visitors_transport": transport, "stock": stock}
    measured, complaint = run(slysock, tmp_path, {**visitors, "drain": 5})
    assert (measured.failures, complaint) == (0, "")
    assert measured.connects >= 4


@pytest.mark.parametrize("stock", ["browser", "node"])
def test_those_who_poll_are_answered_and_told(slysock: Server, tmp_path: Path, stock: str) -> None:
    measured, complaint = run(slysock, tmp_path, {**ECHO, **POLLING, "stock": stock, "drain": 5})
    assert (measured.failures, complaint) == (0, "")
    assert measured.requests >= 3
    assert measured.histogram("delivery_polling") is not None
    assert measured.histogram("delivery") is None


def test_an_unknown_stock_client_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="unknown stock client: telnet"):
        measure({"port": 1, "stock": "telnet"}, ANY_CORE, tmp_path / "log")
