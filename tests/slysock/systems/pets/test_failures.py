"""A client that looks for an answer only when it has sent everything reads why it was refused."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import trio

from slysock import Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.pets import pets
from slysock_store import open_store
from tests.slysock.systems.market import SECRET, at, now, token_for
from tests.slysock.systems.pets.shop import BOUNDARY, PNG, form_head, form_tail

MEGABYTE = 1_000_000


def upload(address: str, token: str, chat: str, content: bytes) -> tuple[int, object]:
    """Send a file, all of it, and then read the answer."""
    connection = http.client.HTTPConnection(address, timeout=20)
    body = form_head("a.png") + PNG + content + form_tail({})
    headers = {"authorization": f"Bearer {token}", "content-type": f'multipart/form-data; boundary="{BOUNDARY}"'}
    connection.request("POST", f"/api/chat/{chat}/send-media", body, headers)
    response = connection.getresponse()
    answer: object = msgspec.json.decode(response.read())
    connection.close()
    return response.status, answer


def create(address: str, token: str) -> str:
    connection = http.client.HTTPConnection(address, timeout=20)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection.request("POST", "/api/chat/create", b'{"participantId": "ben"}', headers)
    answer: object = msgspec.json.decode(connection.getresponse().read())
    connection.close()
    return str(at(answer, "data", "_id"))


@pytest.mark.port
async def test_a_file_that_is_far_too_large_is_refused_so_that_every_client_reads_it(tmp_path: Path) -> None:
    async with open_store("sqlite://") as store, trio.open_nursery() as nursery:
        settings = SystemSettings(media_path=tmp_path / "media", max_media_bytes=MEGABYTE)
        foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now), settings)
        assembly = assemble([pets(foundation)], foundation)
        server = Server(*assembly.routers, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        listening = await nursery.start(server.serve, "127.0.0.1", 0)
        address, token = urlsplit(listening.url).netloc, token_for("anna", "user")
        chat = await trio.to_thread.run_sync(create, address, token)
        for where, size, status in ((chat, 40 * MEGABYTE, 413), ("0" * 24, MEGABYTE - len(PNG), 404)):
            answer = await trio.to_thread.run_sync(upload, address, token, where, bytes(size))
            assert answer[0] == status
            assert at(answer[1], "success") is False
        assert not list((tmp_path / "media").rglob("*.p*"))
        nursery.cancel_scope.cancel()
