"""The date of an answer."""

import time

import pytest

from slysock.http import date


def test_the_date_is_in_the_fixed_format_and_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9110, section 5.6.7, has this example."""
    monkeypatch.setattr(time, "time", lambda: 784111777.9)
    assert date.date_field() == (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT")
    monkeypatch.setattr(time, "time", lambda: 784111778.0)
    assert date.date_field() == (b"date", b"Sun, 06 Nov 1994 08:49:38 GMT")
