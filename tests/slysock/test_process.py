"""What serving changes in its process; here it is changed back."""

import gc
import resource
import sys

import pytest

from slysock.process import settle_in

pytestmark = pytest.mark.usefixtures("habits")


def test_a_serving_process_may_open_many_files_and_seldom_looks_for_garbage() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    for _ in range(2):
        settle_in()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        assert gc.get_threshold()[0] > 700
        assert gc.get_freeze_count() > 0


def test_a_system_that_allows_no_more_files_is_served_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed")  # as macOS does where the hard limit is "unlimited"

    caplog.set_level("INFO", "slysock")
    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        settle_in()
    assert "the limit of open files stays at" in caplog.text


def test_a_system_without_such_limits_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    settle_in()
    assert gc.get_freeze_count() > 0
