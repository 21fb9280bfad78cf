"""Draws our state machines into docs/states.md, from their tables: `python -m tests.diagrams`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Final, TypeAlias

from slysock.engineio.states import POLLING, SESSION, UPGRADE, WEBSOCKET
from slysock.socketio.states import MEMBER
from slysock.states import E, S, Table

PAGE: Final = "docs/states.md"

StateTable: TypeAlias = Mapping[str, Mapping[str, str]]


def _any(table: Table[S, E]) -> StateTable:
    """Forget which states and steps a table has."""
    return {state: dict(row.items()) for state, row in table.items()}


MACHINES: Final[Sequence[tuple[str, StateTable, str]]] = (
    (
        "Session",
        _any(SESSION),
        "One Engine.IO session (`slysock/engineio/session.py`). While it is `upgrading`, a WebSocket is probed, and "
        "messages still go by polling.",
    ),
    (
        "Polling transport",
        _any(POLLING),
        "Whether a GET waits, and what happens to the next one (`slysock/engineio/polling.py`). A graceful end has "
        "last words: messages in one answer or several, and a close packet in one of its own.",
    ),
    (
        "Upgrade",
        _any(UPGRADE),
        "A WebSocket that may become the transport of a session by polling (`slysock/engineio/upgrade.py`).",
    ),
    (
        "WebSocket transport",
        _any(WEBSOCKET),
        "Who reads a WebSocket, and who says goodbye first (`slysock/engineio/websocket.py`). The first frame that "
        "cannot take the fast lane starts the library.",
    ),
    (
        "Client in a namespace",
        _any(MEMBER),
        "What a `Socket` stands for (`slysock/socketio/member.py`).",
    ),
)

INTRODUCTION: Final = """# States

The state machines of the server, drawn from the tables that drive them. A step that is not drawn is a bug in slysock,
never in a client's program. `python -m tests.diagrams` redraws this page, and a test keeps it up to date.
"""


def diagram(table: StateTable) -> str:
    """Draw a table in Mermaid, which GitHub shows as a picture."""
    lines = ["stateDiagram-v2", f"    [*] --> {_label(next(iter(table)))}"]
    for state, row in table.items():
        lines += [f"    {_label(state)} --> {_label(to)}: {step}" for step, to in row.items()]
        if not row:
            lines.append(f"    {_label(state)} --> [*]")
    return "\n".join(lines)


def _label(state: str) -> str:
    return state.replace(" ", "_")


def render() -> str:
    """Write the page."""
    chapters = [
        f"## {name}\n\n{fill(text, 120)}\n\n```mermaid\n{diagram(table)}\n```\n" for name, table, text in MACHINES
    ]
    return "\n".join([INTRODUCTION, *chapters])


if __name__ == "__main__":
    page = Path(__file__).parents[1] / PAGE
    page.parent.mkdir(exist_ok=True)
    page.write_text(render(), encoding="utf-8")
