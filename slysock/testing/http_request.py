"""One HTTP request over a stream of its own."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, final

import h11
import msgspec
import trio

Headers: TypeAlias = Sequence[tuple[str, str]]


@final
class Response(msgspec.Struct, frozen=True):
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request(
    stream: trio.abc.Stream, method: str, target: str, *, headers: Headers = (), body: bytes = b""
) -> Response:
    """Make a request, read the answer, and close the stream.

    Raises:
        h11.RemoteProtocolError: the server closed without an answer.
    """
    try:
        machine = h11.Connection(h11.CLIENT)
        lines = [("host", "memory"), *headers]
        if body:
            lines.append(("content-length", str(len(body))))
        head = h11.Request(method=method, target=target, headers=lines)
        pieces = [machine.send(head), machine.send(h11.Data(data=body)), machine.send(h11.EndOfMessage())]
        await stream.send_all(b"".join(piece for piece in pieces if piece))
        return await _read_response(machine, stream)
    finally:
        await trio.aclose_forcefully(stream)


async def _read_response(machine: h11.Connection, stream: trio.abc.Stream) -> Response:
    status, headers, body = 0, dict[str, str](), b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            machine.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Response(status, headers, body)
