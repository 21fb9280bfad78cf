"""What passes between the tests and driver.mjs: one JSON object per line, binary values as `{"$bin": base64}`."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Payload: TypeAlias = bool | int | float | str | bytes | Sequence["Payload"] | Mapping[str, "Payload"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One line of the driver. `kind` says which of the other fields mean something; driver.mjs lists them."""

    id: int
    kind: str
    event: str = ""
    args: Sequence[Payload] = ()
    ack: int | None = None
    seq: int = 0
    message: str = ""
    data: Payload = None
    reason: str = ""
    sid: str = ""
    transport: str = ""
    recovered: bool | None = None


def command_line(**fields: Payload) -> bytes:
    """Encode one command for the driver, with its line end."""
    return json.dumps(fields, default=packed).encode() + b"\n"


def parse_report(line: bytes) -> Report:
    """Decode one line of the driver."""
    return Report(**json.loads(line, object_hook=unpacked))


def packed(value: object) -> dict[str, str]:
    """Say bytes in JSON.

    Raises:
        TypeError: something that neither JSON nor a binary attachment can carry.
    """
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"not a payload: {value!r}")
    return {"$bin": base64.b64encode(value).decode()}


def unpacked(value: dict[str, Payload]) -> Payload:
    """Give back what `packed` said; every other object stays as it is."""
    binary = value.get("$bin")
    return base64.b64decode(binary) if isinstance(binary, str) else value


class LineBuffer:
    """Cuts a stream of bytes into lines; what is not yet a whole line waits."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes | bytearray) -> Iterator[bytes]:
        """Yield the lines that `data` completes, without their ends."""
        searched = len(self._pending)  # no line end in there, and a line may be megabytes long
        self._pending += data
        while (end := self._pending.find(b"\n", searched)) >= 0:
            yield bytes(self._pending[:end])
            del self._pending[: end + 1]
            searched = 0
