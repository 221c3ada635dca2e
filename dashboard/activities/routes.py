"""The page of activities of one room: open inside the school, like its wall display, and as light."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime, time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from classair import i18n
from classair.science.state import CO2, PM25
from classair.stores.events import NOTE_LENGTH
from classair.timetable import ZONE, local_time, to_ms
from classair.units import DAY_MS, MINUTE_MS
from dashboard.access.roles import Principal
from dashboard.activities import drawing, guessing
from dashboard.activities.air import AFTER_MS, DAYS_BACK, Change, Side, change_at, newest_day
from dashboard.activities.guessing import MOST, QUESTIONS, NoGuess, Question
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.public.pages import language, page, plain_page
from dashboard.queries.rooms import StoreUnavailable
from research.lesson_air import LessonAir

LONGEST_MS: Final = 3 * 60 * MINUTE_MS
"""Of an experiment; longer ones are for the explorer."""
KEPT_DAYS: Final = 400
SHOWN: Final = 30
Typed = Annotated[str, Query(max_length=NOTE_LENGTH)]


class Wrong(ValueError):
    """What was typed cannot be used; the message is a key of activity.wrong."""


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    @light.get("/activity/{room}")
    async def activity(
        request: Request,
        room: str,
        highest: Typed = "",
        good: Typed = "",
        outside: Typed = "",
        day: Typed = "",
        at: Typed = "",
        until: Typed = "",
        question: Typed = "",
    ) -> Response:
        """`highest`, `good`, `outside`: guesses; `day`, `at`, `until`: when something was done, Bangkok time."""
        if not ctx.config().has_room(room) or ctx.config().room(room).outdoor:
            return plain_page(request, 404)
        chosen, principal = language(request), request.state.principal
        typed: dict[Question, str] = {"highest": highest, "good": good, "outside": outside}
        today = local_time(ctx.now_ms()).date()
        span, wrong = (0, 0), ""
        if day or at or until:
            try:
                span = _span(day or today.isoformat(), at, until, ctx.now_ms())
            except Wrong as error:
                wrong = str(error)
        away = False
        newest, change, kept = None, None, []
        try:
            newest = await asyncio.to_thread(newest_day, ctx, room)
            if span[0]:
                change = await asyncio.to_thread(change_at, ctx, room, span[0], span[1] or None)
            kept = await asyncio.to_thread(_experiments, ctx, room, chosen)
        except StoreUnavailable:
            away = True
        return page(
            request,
            "activity.html",
            chosen,
            home=f"/?lang={chosen}",
            room=room,
            room_name=i18n.t(chosen, "display.room", name=parts.room_name(ctx, chosen, room)),
            site_name=parts.site_name(ctx, chosen, room),
            simulated=ctx.config().site_simulated(room.partition(".")[0]),
            away=away,
            day_name=i18n.show_date(newest[0], chosen, "long") if newest else "",
            guesses=[_guess(chosen, one, typed[one], newest[1]) for one in QUESTIONS] if newest else [],
            typed={"day": day or today.isoformat(), "at": at, "until": until, "question": question},
            first=local_time(ctx.now_ms() - DAYS_BACK * DAY_MS).date().isoformat(),
            today=today.isoformat(),
            wrong=wrong,
            found=_found(chosen, change, span) if change is not None else None,
            kept=kept,
            length=NOTE_LENGTH,
            saves=_saves(chosen, principal, room, span, question) if change is not None else None,
        )

    return light


def _span(day: str, at: str, until: str, now: int) -> tuple[int, int]:
    """UTC ms of begin and end, 0 for no end. Raises Wrong."""
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Wrong("day") from None
    begin, end = _moment(on, at), _moment(on, until) if until else 0
    if not now - (DAYS_BACK + 1) * DAY_MS <= begin <= now:
        raise Wrong("when")
    if end and not begin < end <= begin + LONGEST_MS:
        raise Wrong("until")
    return begin, end


def _moment(day: date, typed: str) -> int:
    try:
        return to_ms(datetime.combine(day, time.fromisoformat(typed.strip().replace(".", ":")), ZONE))
    except ValueError:
        raise Wrong("time") from None


def _guess(chosen: str, question: Question, typed: str, air: LessonAir) -> dict[str, Any]:
    """A question with what was typed, and, after a guess, how it was."""
    real = guessing.truth(question, air)
    shown: dict[str, Any] = {
        "key": question,
        "typed": typed,
        "most": MOST.get(question),
        "choices": [(key, i18n.t(chosen, f"activity.choice.{key}")) for key in guessing.CHOICES],
        "wrong": "",
        "answer": "",
        "verdict": "",
        "known": real is not None,
    }
    if not typed or real is None:
        return shown
    try:
        guess = guessing.guess_of(question, typed)
    except NoGuess as error:
        return {**shown, "wrong": i18n.t(chosen, f"activity.wrong.{error}", most=MOST.get(question, 0))}
    verdict = guessing.verdict(question, guess, real)
    if isinstance(real.value, str):
        value = i18n.t(chosen, f"activity.choice.{real.value}")
    else:
        value = PM25.shown(real.value) if question == "highest" else f"{real.value:.0f}"
    when = i18n.show_date(local_time(real.at_ms), chosen, "time") if real.at_ms is not None else ""
    level = i18n.t(chosen, f"level.{PM25.level_of(real.value)}") if question == "highest" else ""  # type: ignore[arg-type]
    answer = i18n.t(chosen, f"activity.answer.{question}", value=value, time=when, level=level)
    return {**shown, "answer": answer, "verdict": i18n.t(chosen, f"activity.verdict.{verdict}")}


def _found(chosen: str, change: Change, span: tuple[int, int]) -> dict[str, Any]:
    after = change.after
    rows = [
        (i18n.t(chosen, f"activity.quantity.{key}"), *(_shown(chosen, key, side) for side in (change.before, after)))
        for key in ("pm25", "outdoor", "co2")
        if getattr(change.before, key) is not None or (after is not None and getattr(after, key) is not None)
    ]
    return {
        "rows": rows,
        "waits": after is None,
        "drawing": drawing.lines(change),
        "summary": _summary(chosen, change),
        "table": [
            (i18n.show_date(local_time(at), chosen, "time"), PM25.shown(value), _at(change.outside, at))
            for at, value in change.inside
        ],
        "at": i18n.show_date(local_time(span[0]), chosen, "day_time"),
        "reach": AFTER_MS // MINUTE_MS,
    }


def _at(line: tuple[tuple[int, float], ...], at: int) -> str:
    value = dict(line).get(at)
    return PM25.shown(value) if value is not None else "–"


def _shown(chosen: str, key: str, side: Side | None) -> str:
    value = getattr(side, key) if side is not None else None
    if value is None:
        return i18n.t(chosen, "activity.not_known")
    unit = "ppm" if key == "co2" else "ugm3"
    return f"{(CO2 if key == 'co2' else PM25).shown(value)}\u00a0{i18n.t(chosen, f'unit.{unit}')}"


def _summary(chosen: str, change: Change) -> str:
    """What changed in one sentence; nothing is said to have caused it."""
    before, after = change.before, change.after
    if after is None:
        return i18n.t(chosen, "activity.waits")
    if before.pm25 is None or after.pm25 is None:
        return i18n.t(chosen, "activity.cannot_tell")
    key = (
        "alike"
        if abs(after.pm25 - before.pm25) < guessing.ALIKE_UGM3
        else "less"
        if after.pm25 < before.pm25
        else "more"
    )
    places = {"before": PM25.shown(before.pm25), "after": PM25.shown(after.pm25)}
    return i18n.t(chosen, f"activity.changed.{key}", **places)


def _experiments(ctx: Context, room: str, chosen: str) -> list[dict[str, str]]:
    now = ctx.now_ms()
    events = ctx.research.events(now - KEPT_DAYS * DAY_MS, now + DAY_MS, room.partition(".")[0])
    mine = [one for one in events if one.kind == "experiment" and one.room == room]
    return [
        {
            "when": i18n.show_date(local_time(one.start_ms), chosen, "day_time"),
            "question": one.question,
            "result": one.result,
            "again": f"/activity/{room}?lang={chosen}&day={local_time(one.start_ms):%Y-%m-%d}"
            f"&at={local_time(one.start_ms):%H:%M}#window",
        }
        for one in reversed(mine[-SHOWN:])
    ]


def _saves(chosen: str, principal: Principal, room: str, span: tuple[int, int], question: str) -> dict[str, Any]:
    """What the page needs to store the experiment: for whoever may note events of the room."""
    words = {key: i18n.t(chosen, f"activity.save.{key}") for key in ("done", "refused", "away", "empty")}
    return {
        "may": principal.controls(room),
        "signed_in": principal.signed_in,
        "question": question,
        "data": json.dumps(
            {
                "site": room.partition(".")[0],
                "room": room,
                "start": str(span[0]),
                "end": str(span[1] or span[0] + AFTER_MS),
                "words": words,
            },
            ensure_ascii=False,
        ),
    }
