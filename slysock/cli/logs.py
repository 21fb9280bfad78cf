"""How log records are written: as lines for people, or one JSON object each for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, cast, final

from slysock.cli.settings import LogFormat, LogLevel

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def start_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Write log records to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else FieldsFormatter(_TEXT))
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


@final
class FieldsFormatter(logging.Formatter):
    """A line of text, then `name=value` for each field. Values are quoted where they would be ambiguous."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line = super().format(record)
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in fields_of(record).items())
        return f"{line} {fields}" if fields else line


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
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def _quoted(value: object) -> str:
    text = str(value)
    is_plain = text.isprintable() and text and not any(character in text for character in ' "=')
    return text if is_plain else json.dumps(text)
