"""Log lines: one line each, of bounded length, so many of a kind."""

import json
import logging
import random
import sys
import unicodedata

import pytest

from slysock.cli.log_limits import (
    BURST,
    LINES_PER_SECOND,
    MAX_TEXT,
    MAX_TRACEBACK,
    RateFilter,
    indented,
    shortened,
    spelt_out,
    spelt_out_in_json,
)
from slysock.cli.logs import FieldsFormatter, JsonFormatter

BAD = ["\x00", "\x1b[2J", "\x7f", "\x85", "\x9b31m", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\ufeff", "\r\n"]
TEXT = "آ".join(BAD)


def record(text: str, *, fields: object = None, error: Exception | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("slysock", logging.ERROR, __file__, 1, "%s", (text,), info)
    if fields is not None:
        made.fields = fields
    return made


def is_clean(line: str) -> bool:
    """Tell whether nothing in a line controls, separates, or changes the direction of anything."""
    return not any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs") for one in line)


def test_a_line_of_text_shows_what_a_client_has_hidden_in_it() -> None:
    line = FieldsFormatter().format(record(TEXT, fields={"user": TEXT}))
    assert is_clean(line)
    assert "\\x9b31m" in line
    assert "\\u202e" in line
    assert "آ" in line


def test_a_line_of_json_means_what_was_said_and_shows_nothing_of_it_raw() -> None:
    line = JsonFormatter().format(record(TEXT, fields={"user": TEXT}))
    assert is_clean(line)
    assert json.loads(line)["message"] == TEXT
    assert json.loads(line)["user"] == TEXT


@pytest.mark.parametrize("spell", [spelt_out, spelt_out_in_json])
def test_whatever_there_is_in_unicode_comes_out_printable(spell: object) -> None:
    assert callable(spell)
    everything = [chr(number) for number in range(sys.maxunicode + 1)]
    random.Random(1).shuffle(everything)
    assert str(spell("".join(everything))).isprintable()


def test_what_cannot_begin_a_line_cannot_make_one_up() -> None:
    error = ValueError("x\n2026-01-01 00:00:00,000 INFO slysock: nothing is wrong\u2028\x1b[2J")
    lines = FieldsFormatter().format(record("failed", error=error)).split("\n")
    assert len(lines) == 3
    assert all(line.startswith("  ") for line in lines[1:])
    assert all(is_clean(line) for line in lines)


def test_texts_and_tracebacks_are_bounded_in_length() -> None:
    assert shortened("x" * MAX_TEXT, MAX_TEXT) == "x" * MAX_TEXT
    assert shortened("x" * (MAX_TEXT + 1), MAX_TEXT).count("x") == MAX_TEXT
    big = "\x00" * 1_000_000
    error = ValueError(big)
    for formatter in (FieldsFormatter(), JsonFormatter()):
        line = formatter.format(record(big, fields={"user": big, "list": [big]}, error=error))
        assert len(line) < 6 * (3 * MAX_TEXT + MAX_TRACEBACK) + 1000
    assert len(indented(big)) < 5 * MAX_TRACEBACK


def test_numbers_stay_numbers_in_json() -> None:
    line = json.loads(JsonFormatter().format(record("x", fields={"n": 1, "f": 0.5, "b": True, "none": None})))
    assert (line["n"], line["f"], line["b"], line["none"]) == (1, 0.5, True, None)


def test_a_kind_is_bounded_in_its_rate_and_says_how_many_were_left_out() -> None:
    now = 0.0
    limit = RateFilter(lambda: now)
    made = [record(str(number)) for number in range(BURST + 50)]
    assert [limit.filter(each) for each in made] == [True] * BURST + [False] * 50
    other = record("other")
    other.lineno = 2
    assert limit.filter(other)
    now = 1 / LINES_PER_SECOND
    after = record("after", fields={"user": 5})
    assert limit.filter(after)
    assert FieldsFormatter().format(after).endswith("after user=5 left_out=50")
    assert not limit.filter(record("again"))
    now = 1000.0
    last = record("last")
    assert limit.filter(last)
    assert FieldsFormatter().format(last).endswith("last left_out=1")
    assert FieldsFormatter().format(record("none left out")).endswith("none left out")
