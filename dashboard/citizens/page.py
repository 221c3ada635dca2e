"""The citizens' page in bytes: rendered in the background for each language, the same for everybody.

A visitor costs no question to any store. What is out of date is still sent while the next is being made, up to
OLDEST_S; what is older is made before it is sent.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

from classair import i18n
from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.citizens import figures
from dashboard.context import Context
from dashboard.frame import states
from dashboard.frame.markup import html
from dashboard.public.kept import Ready
from dashboard.public.pages import filled
from research.lesson_slots import SLOT_MS

log = logging.getLogger(__name__)

EVERY_S: Final = 30.0
OLDEST_S: Final = 120.0
INDOORS_MS: Final = 5 * MINUTE_MS  # late data of a lesson that is over change a figure as late as this
PATH: Final = "/town"


class TownPage:
    """Belongs to one event loop."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._ready: dict[str, tuple[float, Ready]] = {}
        self._making: dict[str, asyncio.Task[Ready]] = {}
        self._indoors: figures.Indoors | None = None
        self._indoors_at = 0
        self._reading = asyncio.Lock()

    def at_once(self, language: str) -> Ready | None:
        """What can be sent without waiting; None when it has to be made first."""
        at, ready = self._ready.get(language, (0.0, None))
        age = time.monotonic() - at
        if ready is None or age >= OLDEST_S:
            return None
        if age >= EVERY_S:
            self._begin(language)
        return ready

    async def get(self, language: str) -> Ready:
        ready = self.at_once(language)
        if ready is not None:
            return ready
        made: Ready = await asyncio.shield(self._begin(language))
        return made

    def forget(self) -> None:
        """For another configuration: what was made before it is not sent any more."""
        self._ready.clear()
        self._indoors = None

    def _begin(self, language: str) -> asyncio.Task[Ready]:
        task = self._making.get(language)
        if task is None or task.done():
            task = self._making[language] = asyncio.get_running_loop().create_task(self._make(language))
            task.add_done_callback(_told)
        return task

    async def _make(self, language: str) -> Ready:
        ctx = self._ctx
        async with self._reading:
            now = ctx.now_ms()
            kept = self._indoors
            slot = (now - figures.BEHIND_MS) // SLOT_MS
            if kept is None or kept.until // SLOT_MS != slot or not 0 <= now - self._indoors_at < INDOORS_MS:
                kept = await asyncio.to_thread(figures.indoors, ctx, now)
                self._indoors, self._indoors_at = kept, now
        places = await asyncio.to_thread(_places, ctx, language, kept, ctx.now_ms())
        body = await asyncio.to_thread(filled, "town.html", language, PATH, **places)
        ready = await asyncio.to_thread(Ready.of, body.encode())
        self._ready[language] = (time.monotonic(), ready)
        return ready


def _told(task: asyncio.Task[Ready]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("town_page_failed error=%s", type(task.exception()).__name__)


def _places(ctx: Context, language: str, inside: figures.Indoors, now: int) -> dict[str, Any]:
    config = ctx.config()
    rows, outside = [], []
    for site in figures.in_order(ctx, language):
        out = figures.outdoors(ctx, site, language, now)
        lessons = (inside.schools or {}).get(site)
        if out is not None:
            outside.append(out)
        rows.append(
            {
                "name": config.sites[site].name.in_(language),
                "outdoors": _outdoors(ctx, language, out) if out is not None else None,
                "good": lessons.good_percent if lessons is not None else None,
                "known": lessons.known_percent if lessons is not None else None,
            }
        )
    top = figures.worst(outside)
    month = local_time(now).date().replace(day=1)
    told = ctx.tickets.figures(month, local_time(now).date())
    return {
        "home": f"{PATH}?lang={language}",
        "simulated": any(config.site_simulated(site) for site in config.sites),
        "as_of": i18n.show_date(local_time(now), language, "day_time"),
        "until": i18n.show_date(local_time(inside.until), language, "time"),
        "days": i18n.show_days(inside.first, inside.last, language),
        "top": _outdoors(ctx, language, top) if top is not None else None,
        "places_outside": len(outside),
        "away": inside.schools is None,
        "schools": len(rows),
        "with_data": inside.with_data,
        "good": inside.whole.good_percent,
        "known": inside.whole.known_percent,
        "rows": rows,
        "reports": told,
        "on_time": round(100 * told.on_time) if told.on_time is not None else None,
        "month": i18n.show_month(month, language),
    }


def _outdoors(ctx: Context, language: str, out: figures.Outdoors) -> dict[str, Any]:
    time_of = i18n.show_date(local_time(out.measured_at), language, "time") if out.measured_at is not None else ""
    return {
        "level": out.level,
        "word": states.level_word(ctx, language, out.level),
        "bars": states.bars(ctx, language, out.level),
        "face": states.face(out.level),
        "value": out.shown,
        "advice": html.Span(states.phrases(out.advice)),
        "measured": time_of,
        "late": out.late,
    }
