"""The weekly report of a room: its picture, its headline and the link to its page."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from classair import i18n
from classair.alerting import links
from classair.timetable import local_time
from dashboard.line.common import Common
from dashboard.line.reply import Choice, Reply
from dashboard.line.topics.now import no_room, which_room, which_school
from dashboard.line.understanding import Asked
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.week import page
from dashboard.reports.week.asking import as_told
from dashboard.reports.week.numbers import monday_of
from dashboard.reports.week.words import headline, words


async def answer(common: Common, asked: Asked, user: str) -> Reply:
    language = common.language(user, asked.english)
    ask, rooms = common.t(language, "report_ask"), common.meant(asked, user)
    if not asked.about.strip() and len(rooms) > 1:
        names = [common.config.room(room).name.in_(language) for room in rooms]
        choices = tuple(
            Choice(name, f"{ask} {name} {common.site(room, language)}") for name, room in zip(names, rooms, strict=True)
        )
        return Reply("which", common.t(language, "which_of_yours"), choices, listed=True)
    if len(rooms) > 1:
        return which_school(common, rooms, language, ask)
    if not rooms:
        return no_room(common, asked.about, language, ask) if asked.about else which_room(common, language, ask)
    return await _report(common, rooms[0], language)


def last_week(now_ms: int) -> date:
    """The Monday of the newest week whose reports are due."""
    monday = monday_of(local_time(now_ms).date())
    return monday if now_ms >= page.ready_ms(monday) else monday - timedelta(days=7)


async def _report(common: Common, room: str, language: str) -> Reply:
    ctx, config, monday = common.ctx, common.config, last_week(common.ctx.now_ms())
    try:
        report = await asyncio.to_thread(as_told, ctx, room, monday)
    except StoreUnavailable:
        return Reply("report", common.t(language, "try_later_reading"))
    name = config.room(room).name.in_(language)
    days = i18n.show_days(report.first, report.last, language)
    said = common.t(language, "report", room=name if language == "en" else common.called(room, language), days=days)
    where = page.address(config, page.token(ctx.shares, report))
    simulated = words(report, config, language).simulated
    lines = [part for part in (said, headline(report, language), simulated) if part]
    pictures: list[dict[str, Any]] = []
    if where:
        lines.append(f"{where}?lang={language}")
        if links.base(config).startswith("https://"):  # LINE fetches pictures by nothing else
            picture = f"{where}.png?lang={language}"
            pictures = [{"type": "image", "originalContentUrl": picture, "previewImageUrl": picture}]
    return Reply("report", "\n".join(lines), messages=tuple(pictures))
