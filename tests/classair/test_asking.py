"""Requests of one service to another."""

from __future__ import annotations

from typing import Any, cast

import pytest

from classair.asking import NoAnswer, Questions
from classair.broker import Link
from classair.wire import Topics


class Line:
    def __init__(self, up: bool = True) -> None:
        self.up = up
        self.sent: list[dict[str, Any]] = []

    def publish(self, topic: str, payload: str, qos: int = 0, retain: bool = False) -> int | None:
        self.sent.append({"qos": qos, "retain": retain})
        return 1 if self.up else None


def test_a_request_is_sent_over_this_connection_only_so_that_none_is_carried_out_late() -> None:
    line = Line()
    Questions(cast(Link, line), Topics("demo")).ask("alerts", "override", "teacher:x", {})
    assert line.sent == [{"qos": 0, "retain": False}]


def test_without_a_connection_there_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        Questions(cast(Link, Line(up=False)), Topics("demo")).ask("alerts", "override", "teacher:x", {})
