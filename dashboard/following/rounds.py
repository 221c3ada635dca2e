"""What is looked at every half minute: dust in rooms that somebody follows, and the day's summaries for teachers."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import time
from typing import Final

from classair import i18n
from classair.alerting import links
from classair.asking import NoAnswer
from classair.line import flex
from classair.timetable import HoursOfDay, day_start_ms, local_time
from classair.units import HOUR_MS, MINUTE_MS
from dashboard import telling
from dashboard.context import Context
from dashboard.following import digest, dust
from dashboard.following.followers import Follower, Followers
from dashboard.queries.rooms import StoreUnavailable

log = logging.getLogger(__name__)

EVERY_S: Final = 30.0
QUIET: Final = HoursOfDay(time(18), time(6, 30))
DAILY_AT_MS: Final = 15 * HOUR_MS + 45 * MINUTE_MS
DAILY_UNTIL_MS: Final = 18 * HOUR_MS


class Rounds:
    """On the server's event loop."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._followers = Followers(ctx.desk, ctx.now_ms)
        self._dust = dust.DustNews(ctx.desk)
        self._summed: set[tuple[str, str, str]] = set()  # person, room, day: handed on by this process
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (NoAnswer, StoreUnavailable) as error:
                log.warning("round_postponed error=%s retry=true", error)
            except Exception as error:  # the next round may find the disk in order again
                log.error("round_failed error=%s retry=true", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """One round. Raises NoAnswer, StoreUnavailable, sqlite3.Error; what was not handed on is in the next one."""
        await asyncio.to_thread(self._look_at_dust)
        for news in await asyncio.to_thread(self._dust.waiting, self._ctx.now_ms()):
            for one in await asyncio.to_thread(self._followers.to_alert, news.room):
                await self._tell(dust_message(self._ctx, news, one))
            await asyncio.to_thread(self._dust.done, news)
        await self._summaries()

    def _look_at_dust(self) -> None:
        config, live, now = self._ctx.config(), self._ctx.live, self._ctx.now_ms()
        for room in sorted(self._followers.rooms_to_alert()):
            state = live.state(room) if config.has_room(room) else None
            if state is not None:
                full = dust.at_full(config, room, live.purifier, now)
                if self._dust.look(config, state, QUIET, now, full):
                    log.info("dust_news room=%s", room)

    async def _summaries(self) -> None:
        """At 15.45 on school days, to people of sensors.yaml who want them."""
        config, now = self._ctx.config(), self._ctx.now_ms()
        today = local_time(now).date()
        begin = day_start_ms(today)
        if not begin + DAILY_AT_MS <= now < begin + DAILY_UNTIL_MS:
            return
        for name, person in config.people.items():
            for room in person.daily:
                key = (name, room, today.isoformat())
                if key in self._summed or not config.has_room(room) or not dust.has_lessons(config, room, now):
                    continue
                made = await asyncio.to_thread(digest.read, self._ctx, room, today)
                lines = digest.lines(config, made, person.language)
                title = i18n.t(person.language, "digest.title", room=config.room(room).name.in_(person.language))
                message = telling.Message(
                    f"digest:{':'.join(key)}",
                    "person",
                    name,
                    person.language,
                    title,
                    "\n".join(lines),
                    "info",
                    "digest",
                    begin + DAILY_UNTIL_MS,
                    room.partition(".")[0],
                )
                await self._tell(message)
                self._summed.add(key)

    async def _tell(self, message: telling.Message) -> None:
        try:
            await telling.tell(self._ctx, message)
        except telling.NotAccepted as error:
            log.warning("message_refused kind=%s error=%s", message.kind, error)


def dust_message(ctx: Context, news: dust.News, to: Follower) -> telling.Message:
    """The number and the colour at their moment; that the purifier runs at full speed only where that is known."""
    config = ctx.config()
    language = to.language if to.language in i18n.LANGUAGES else config.language
    name = config.room(news.room).name.in_(language)
    colour = i18n.t(language, f"alert_message.colour.{news.level}")
    at = i18n.show_date(local_time(news.at), language, "time")
    said = i18n.t(language, "alert_message.dust", room=name, value=news.shown, colour=colour, at=at)
    more = [i18n.t(language, "alert_message.full")] if news.full else []
    state = ctx.live.state(news.room)
    if state is not None and state.simulated:
        more.append(f"({i18n.t(language, 'word.simulated')})")
    where = links.base(config)
    buttons = (flex.Button(i18n.t(language, "line_talk.see_today"), uri=f"{where}/door/{news.room}?lang={language}"),)
    card = flex.Card(
        head=i18n.t(language, f"level.{news.level}"),
        colour=flex.LEVEL_COLOURS[news.level],
        place=config.sites[news.room.partition(".")[0]].name.in_(language),
        lines=(said, *more),
        buttons=buttons if where else (),
    )
    who = hashlib.sha256(f"{to.channel}:{to.address}".encode()).hexdigest()[:24]
    return telling.Message(
        f"dust:{news.room}:{news.level}:{news.at}:{who}",
        to.channel,
        to.address,
        language,
        said,
        " ".join(more),
        "urgent" if news.urgent else "warning",
        "alert",
        news.at + dust.USEFUL_MS,
        news.room.partition(".")[0],
        card=flex.message(card, " ".join([said, *more])) if to.channel == "line" else None,
    )
