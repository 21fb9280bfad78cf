"""Files as answers: whole, in part, not again; and never for longer than the client stays."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from slysock.systems.uploads import MediaAnswer, MediaFolder, MediaName
from slysock.systems.uploads.folder import PIECE_BYTES

NAME = MediaName(f"chat-1640995200-{'0f' * 16}.mp4")
CONTENT = bytes(range(256)) * (PIECE_BYTES // 32)
TAG = f'"{NAME}"'


class Exchange:
    """The other side of an ASGI application."""

    def __init__(self, headers: Mapping[str, str], method: str = "GET", leave_after: int | None = None) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.scope: dict[str, object] = {"type": "http", "method": method, "headers": pairs}
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self._leave_after = leave_after
        self._left = trio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    async def receive(self) -> dict[str, object]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, object]) -> None:
        await trio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            assert isinstance(message["status"], int)
            assert isinstance(message["headers"], list)
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        self.pieces.append(body)
        if self._leave_after is not None and len(self.pieces) >= self._leave_after:
            self._left.set()
            await trio.lowlevel.checkpoint()


async def ask(
    tmp_path: Path, headers: Mapping[str, str], method: str = "GET", *, leave_after: int | None = None
) -> Exchange:
    (tmp_path / NAME).write_bytes(CONTENT)
    folder = MediaFolder(tmp_path, max_file_bytes=1)
    stored = await folder.open(NAME)
    exchange = Exchange(headers, method, leave_after)
    await MediaAnswer(folder, stored, NAME)(exchange.scope, exchange.receive, exchange.send)
    assert stored.file.closed
    return exchange


async def test_a_whole_file_comes_in_pieces_with_its_type_and_no_leave_to_guess_another(tmp_path: Path) -> None:
    answer = await ask(tmp_path, {})
    assert (answer.status, answer.body == CONTENT) == (200, True)
    assert max(map(len, answer.pieces)) <= PIECE_BYTES
    assert answer.headers == {
        "content-type": "video/mp4",
        "content-length": str(len(CONTENT)),
        "content-disposition": f'inline; filename="{NAME}"',
        "accept-ranges": "bytes",
        "etag": TAG,
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
        (f"bytes=100-{PIECE_BYTES + 200}", 100, PIECE_BYTES + 201),
        ("bytes=5-9,0-1", 5, 10),
    ],
)
async def test_a_part_of_a_file_is_that_part(tmp_path: Path, value: str, start: int, end: int) -> None:
    answer = await ask(tmp_path, {"range": value})
    assert (answer.status, answer.body == CONTENT[start:end]) == (206, True)
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - start)


async def test_a_part_that_is_not_there_is_answered_416_with_the_size(tmp_path: Path) -> None:
    answer = await ask(tmp_path, {"range": f"bytes={len(CONTENT)}-"})
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": f'W/{TAG}, "x"', "range": "bytes=0-1"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"range": "bytes=0-1", "if-range": TAG}, 206),
        ({"range": "bytes=0-1", "if-range": '"x"'}, 200),
        ({"range": "bytes=0-1", "if-range": "Wed, 21 Oct 2015 07:28:00 GMT"}, 200),
        ({"range": "pages=0-1"}, 200),
        ({"range": "bytes=2-1"}, 200),
    ],
)
async def test_conditions_are_honoured(tmp_path: Path, headers: Mapping[str, str], status: int) -> None:
    answer = await ask(tmp_path, headers)
    assert answer.status == status
    assert answer.headers["etag"] == TAG
    assert ("content-length" in answer.headers) is (status != 304)
    assert len(answer.body) == {200: len(CONTENT), 206: 2, 304: 0}[status]


async def test_a_head_request_gets_the_head(tmp_path: Path) -> None:
    answer = await ask(tmp_path, {"range": "bytes=0-1"}, "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(CONTENT)))


async def test_nothing_more_is_read_for_a_client_that_has_left(tmp_path: Path) -> None:
    answer = await ask(tmp_path, {}, leave_after=2)
    assert len(answer.pieces) <= 4 < len(CONTENT) // PIECE_BYTES
