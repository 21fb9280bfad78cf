"""The generator's requests beside those of the stock client, recorded on their way to the same server."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from bench.generator import Options, measure
from bench.peers.registry import PEERS
from bench.peers.server import Server, serving
from tests.bench.generator.recorder import Recorder
from tests.clients.runtime import CLIENTS_FOLDER, node_program

pytestmark = [pytest.mark.port, pytest.mark.node, pytest.mark.usefixtures("compiled")]

ANY_CORE = -1
VISIT = """
import { io } from "socket.io-client";
const [url, transport] = process.argv.slice(1);
const socket = io(url, transport === "polling" ? { transports: ["polling"] } : {});
socket.on("connect", () => {
  const { engine } = socket.io;
  if (engine.transport.name === (transport === "polling" ? "polling" : "websocket")) socket.close();
  else engine.on("upgrade", () => socket.close());
});
"""
SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, compiled: None) -> Iterator[Server]:
    with serving(PEERS["slysock"], ANY_CORE, tmp_path_factory.mktemp("slysock")) as found:
        yield found


async def visit_on_node(port: int, transport: str) -> None:
    """Let the stock client connect and leave once."""
    command = [node_program(), "--input-type=module", "--eval", VISIT, f"http://127.0.0.1:{port}", transport]
    await trio.run_process(command, cwd=CLIENTS_FOLDER)


async def visit_by_generator(port: int, transport: str, log: Path) -> None:
    """Let the generator connect and leave once, beside the steady client that it always has."""
    visitor: Options = {"visitors_at_once": 1, "visitors_total": 1, "visitors_transport": transport, "stock": "node"}
    options = {**visitor, "port": port, "polling_percent": 100, "warmup": 0, "seconds": 0.05, "drain": SECONDS}
    measured, complaint = await trio.to_thread.run_sync(partial(measure, options, ANY_CORE, log))
    assert (measured.failures, complaint) == (0, "")


@pytest.mark.parametrize("transport", ["polling", "upgrade"])
async def test_requests_are_those_of_the_stock_client_on_node(server: Server, tmp_path: Path, transport: str) -> None:
    try:
        node_program()
    except LookupError as error:
        pytest.skip(str(error))
    theirs, ours = Recorder(server.port), Recorder(server.port)
    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            await visit_on_node(await nursery.start(theirs.serve), transport)
            await visit_by_generator(await nursery.start(ours.serve), transport, tmp_path / "log")
            nursery.cancel_scope.cancel()
    assert ours.written == theirs.written
