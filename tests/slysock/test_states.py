"""Lives as tables: an illegal step is an error, every state can be reached, and the docs draw what the tables say."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from slysock.states import IllegalStep, follow
from tests.diagrams import MACHINES, PAGE, render

ROOT = Path(__file__).parents[2]
NAMES = [name for name, _, _ in MACHINES]


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, table, _ in MACHINES], ids=NAMES)
def test_every_step_that_the_table_lacks_is_an_error(name: str, table: Mapping[str, Mapping[str, str]]) -> None:
    steps = {step for row in table.values() for step in row}
    for state, row in table.items():
        for step in steps:
            if step in row:
                assert follow(table, state, step) == row[step]
            else:
                with pytest.raises(IllegalStep, match=step):
                    follow(table, state, step)


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, table, _ in MACHINES], ids=NAMES)
def test_every_state_can_be_reached_and_only_the_last_has_no_way_out(
    name: str, table: Mapping[str, Mapping[str, str]]
) -> None:
    start, *_, last = table
    reached, new = {start}, {start}
    while new:
        new = {state for reached_state in new for state in table[reached_state].values()} - reached
        reached |= new
    assert reached == set(table)
    assert [state for state, row in table.items() if not row] == [last]


def test_the_docs_draw_the_tables() -> None:
    """`python -m tests.diagrams` draws them anew."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render()
