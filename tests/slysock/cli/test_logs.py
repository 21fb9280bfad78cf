"""Log records as lines and as JSON."""

import json
import logging

from slysock.cli.logs import FieldsFormatter, JsonFormatter


def record(text: str = "client left", **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("slysock.access", logging.INFO, __file__, 1, text, (), None)
    made.created = 1_750_776_362.25
    made.fields = fields
    return made


def test_fields_follow_the_text_and_are_quoted_where_they_could_be_more() -> None:
    line = FieldsFormatter().format(record(reason="ping timeout", user=5, evil='x\n"a=b', empty=""))
    assert line.endswith('client left reason="ping timeout" user=5 evil="x\\n\\"a=b" empty=""')


def test_a_record_without_fields_is_its_text() -> None:
    plain = logging.LogRecord("x", logging.INFO, __file__, 1, "plain %s", ("text",), None)
    assert FieldsFormatter().format(plain).endswith("INFO x: plain text")


def test_a_json_line_is_one_object() -> None:
    line = JsonFormatter().format(record(user="سارة", namespace="/chat"))
    assert json.loads(line) == {
        "time": "2025-06-24T14:46:02.250Z",
        "level": "INFO",
        "logger": "slysock.access",
        "message": "client left",
        "user": "سارة",
        "namespace": "/chat",
    }
    assert "\n" not in line


def test_a_json_line_has_the_exception() -> None:
    error = ValueError("why")
    failed = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), (ValueError, error, None))
    assert "ValueError: why" in json.loads(JsonFormatter().format(failed))["exception"]
