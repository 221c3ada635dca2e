"""The weekly report of a room."""

from __future__ import annotations

from dashboard.line.common import Common
from dashboard.line.reply import Reply
from dashboard.line.understanding import Asked


def answer(common: Common, asked: Asked, user: str) -> Reply:
    return Reply("report", common.t(common.language(user, asked.english), "try_later_reading"))
