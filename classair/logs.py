"""Logs as logfmt: one event a line, an event word and then key=value, values quoted where they need it.

`log.warning("broker_unreachable at=%s:%s retry=true", host, port)` is written as
`time=2026-03-02T08:15:04+0700 level=warning logger=classair.broker event=broker_unreachable at=pi:1883 retry=true`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Final, TextIO

EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(?: [a-z][a-z0-9_]*=[^\s\"]+)*")
"""The form of a log call's text: an event word, then key=value with at least one conversion or literal as value.

No quotes: the formatter adds them where a value needs them.
"""

_CONVERSION: Final = re.compile(r"%(?!%)[-+ #0]*[\d.]*[a-z]")
_NEEDS_QUOTES: Final = re.compile(r'[\s="\\]|[^\x20-\x7e]|^$')


class Logfmt(logging.Formatter):
    """A line of logfmt for every record; texts of libraries, which are sentences, become `message="…"`."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        fields = [
            f"time={self.formatTime(record, self.datefmt)}",
            f"level={record.levelname.lower()}",
            f"logger={_quoted(record.name)}",
            *_event(record),
        ]
        if record.exc_info and record.exc_info[0] is not None:
            fields.append(f"traceback={_quoted(self.formatException(record.exc_info))}")
        return " ".join(fields)


def _event(record: logging.LogRecord) -> list[str]:
    text = record.msg
    if not isinstance(text, str) or not EVENT.fullmatch(text) or isinstance(record.args, dict):
        return [f"message={_quoted(record.getMessage())}"]
    event, *pairs = text.split(" ")
    values = list(record.args or ())
    fields = [f"event={event}"]
    for pair in pairs:
        key, _, form = pair.partition("=")
        taken = len(_CONVERSION.findall(form))
        fields.append(f"{key}={_quoted(form % tuple(values[:taken]))}")
        del values[:taken]
    return fields


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if _NEEDS_QUOTES.search(value) else value


class ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment, so that one that was replaced and closed is never written to."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass  # what the base class was given at the start is not kept


def begin_logging(level: str = "INFO") -> None:
    """Events with fields, one a line, to standard error; whoever starts the service keeps them."""
    handler = ToStandardError()
    handler.setFormatter(Logfmt())
    logging.basicConfig(level=level, handlers=[handler], force=True)
