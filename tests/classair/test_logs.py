"""What services log is logfmt, whatever their values are."""

from __future__ import annotations

import json
import logging
import re
import sys

from hypothesis import given
from hypothesis import strategies as st

from classair.logs import Logfmt

PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s="]*)(?: |$)')


def line(text: str, *args: object, exc_info: object = None) -> str:
    record = logging.LogRecord("classair.test", logging.WARNING, "x.py", 1, text, args, exc_info)  # type: ignore[arg-type]
    return Logfmt().format(record)


def read(logged: str) -> dict[str, str]:
    """The fields of a line; fails where anything in it is not key=value."""
    fields, at = {}, 0
    while at < len(logged):
        match = PAIR.match(logged, at)
        assert match, f"no key=value at {logged[at:]!r}"
        key, value = match.groups()
        fields[key] = json.loads(value) if value.startswith('"') else value
        at = match.end()
    return fields


@given(st.text(), st.integers(), st.text(max_size=30))
def test_any_value_can_be_read_back_from_its_line(path: str, count: int, error: str) -> None:
    logged = line("spool_damaged path=%s rows=%d error=%s retry=true", path, count, error)
    assert "\n" not in logged
    fields = read(logged)
    assert {key: fields[key] for key in ("event", "path", "rows", "error", "retry", "level", "logger")} == {
        "event": "spool_damaged",
        "path": path,
        "rows": str(count),
        "error": error,
        "retry": "true",
        "level": "warning",
        "logger": "classair.test",
    }


def test_a_value_of_several_parts_is_one_value() -> None:
    assert read(line("broker_connected at=%s:%s user=%s", "::1", 1883, "in gest"))["at"] == "::1:1883"


def test_the_sentence_of_a_library_is_one_value() -> None:
    assert read(line("Ünexpected = %s", "end"))["message"] == "Ünexpected = end"


def test_a_traceback_stays_in_the_line_of_its_event() -> None:
    try:
        raise ValueError("a b")
    except ValueError:
        fields = read(line("job_failed", exc_info=sys.exc_info()))
    assert fields["event"] == "job_failed"
    assert fields["traceback"].splitlines()[-1] == "ValueError: a b"
