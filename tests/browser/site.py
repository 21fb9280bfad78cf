"""Where the front-end comes from: a web server for three files, which knows nothing of slysock."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final

import trio

from tests.clients.runtime import CLIENTS_FOLDER

BUNDLE: Final = CLIENTS_FOLDER / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"
_FRONT_END: Final = Path(__file__).parent / "front_end"
PAGE_SCRIPT: Final = _FRONT_END / "page.js"
_MAX_HEAD_BYTES: Final = 65_536


@cache
def files() -> Mapping[str, tuple[str, bytes]]:
    """Read the files. path -> type, content."""
    return {
        "/": ("text/html; charset=utf-8", (_FRONT_END / "index.html").read_bytes()),
        "/page.js": ("text/javascript", PAGE_SCRIPT.read_bytes()),
        "/socket.io.min.js": ("text/javascript", BUNDLE.read_bytes()),
    }


async def serve_site(task_status: trio.TaskStatus[str]) -> None:
    """Serve the files until cancelled. `nursery.start` returns the origin."""
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, _answer, 0, host="127.0.0.1"))
        assert isinstance(listener, trio.SocketListener)
        task_status.started(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")


async def _answer(stream: trio.SocketStream) -> None:
    """Answer one request; browsers also connect without one."""
    with suppress(trio.BrokenResourceError):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD_BYTES:
            data = await stream.receive_some()
            if not data:
                return
            head += data
        path = head.decode("latin-1").split()[1]
        status, (kind, body) = ("200 OK", files()[path]) if path in files() else ("404 Not Found", ("text/plain", b""))
        lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close")
        await stream.send_all("\r\n".join((*lines, "", "")).encode() + body)
