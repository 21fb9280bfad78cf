"""How log records are written: as lines for people, or one JSON object each for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import cast, final

from slysock.cli.log_limits import (
    MAX_TEXT,
    MAX_TRACEBACK,
    RateFilter,
    indented,
    shortened,
    spelt_out,
    spelt_out_in_json,
)
from slysock.cli.settings import LogFormat, LogLevel


def start_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Write log records to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RateFilter())
    handler.setFormatter(JsonFormatter() if log_format == "json" else FieldsFormatter())
    logging.basicConfig(handlers=[handler])
    set_log_level(level)


def set_log_level(level: LogLevel) -> None:
    """Write what is of this level and above from now on."""
    logging.getLogger().setLevel(level)
    # What libraries log of themselves: at INFO, a line for each request that we make for keys.
    logging.getLogger("httpx").setLevel(max(logging.WARNING, logging.getLogger().level))


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields beside a record's text."""
    fields: object = getattr(record, "fields", None)
    return cast("dict[str, object]", fields) if isinstance(fields, dict) else {}


def message_of(record: logging.LogRecord) -> str:
    """Return a record's text, as a part of one line."""
    return spelt_out(shortened(record.getMessage(), MAX_TEXT))


@final
class FieldsFormatter(logging.Formatter):
    """A line of text, then `name=value` for each field. Values are quoted where they would be ambiguous."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        text = f"{self.formatTime(record)} {record.levelname} {record.name}: {message_of(record)}"
        fields = [f"{name}={_quoted(value)}" for name, value in fields_of(record).items()]
        line = " ".join([text, *fields])
        return f"{line}\n{indented(self.formatException(record.exc_info))}" if record.exc_info else line


@final
class JsonFormatter(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        moment = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": shortened(record.getMessage(), MAX_TEXT),
            **{name: _shortened(value) for name, value in fields_of(record).items()},
        }
        if record.exc_info:
            entry["exception"] = shortened(self.formatException(record.exc_info), MAX_TRACEBACK)
        return spelt_out_in_json(json.dumps(entry, default=str, ensure_ascii=False))


def _quoted(value: object) -> str:
    text = shortened(str(value), MAX_TEXT)
    is_plain = text.isprintable() and text and not any(character in text for character in ' "=')
    return text if is_plain else json.dumps(text)


def _shortened(value: object) -> object:
    return value if isinstance(value, int | float | bool | None) else shortened(str(value), MAX_TEXT)
