"""Running what does not wait, and who is told when it takes too long."""

import types
from collections.abc import Generator

import pytest

from slysock.handlers.blocking import run_without_waiting


@pytest.mark.parametrize(("seconds", "told"), [(0.1, []), (0.11, [("hook", 0.11)])])
def test_only_what_takes_more_than_a_tenth_of_a_second_is_told(
    monkeypatch: pytest.MonkeyPatch, seconds: float, told: list[tuple[str, float]]
) -> None:
    now, heard = 0.0, list[tuple[str, float]]()
    monkeypatch.setattr("slysock.handlers.blocking.perf_counter", lambda: now)

    async def hook() -> None:
        nonlocal now
        now += seconds

    run_without_waiting(hook(), "hook", lambda name, took: heard.append((name, took)))
    assert heard == told


def test_what_waits_after_all_is_a_mistake_of_ours() -> None:
    @types.coroutine
    def wait() -> Generator[None, None, None]:
        yield

    async def hook() -> None:
        await wait()

    with pytest.raises(AssertionError):
        run_without_waiting(hook(), "hook", lambda _, __: None)
