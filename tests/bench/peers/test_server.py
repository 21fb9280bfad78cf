from pathlib import Path

import pytest

from bench.peers.registry import PEERS
from bench.peers.server import serving
from bench.process import ProcessFailed

pytestmark = [pytest.mark.port, pytest.mark.usefixtures("compiled")]

ANY_CORE = -1


def test_a_server_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    with serving(PEERS["floor"], ANY_CORE, tmp_path) as server:
        server.wait_idle()
    with pytest.raises(ProcessFailed, match="floor has ended"):
        server.wait_idle()


def test_no_process_is_left(tmp_path: Path) -> None:
    with serving(PEERS["floor"], ANY_CORE, tmp_path) as server:
        assert Path(f"/proc/{server.pid}").exists()
    assert not Path(f"/proc/{server.pid}").exists()
