"""The practice week as pages: a moment with its decisions, what came of the last one, and the week in review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from classair import i18n
from classair.science.advice_words import Scene, known_texts
from classair.science.state import CO2, PM25
from classair.timetable import ZONE
from classair.wire import PhaseTexts
from dashboard.context import Context
from dashboard.public.pages import language, page, phrases, plain_page
from dashboard.training import world
from dashboard.training.world import DECISIONS, LETTERS, MOMENTS, Decision, Step, Week

_LETTER: Final = {decision: letter for letter, decision in LETTERS.items()}
_MONDAY: Final = date(2026, 1, 5)  # any; only the names of weekdays are shown


@dataclass(frozen=True, slots=True)
class Shown:
    """A step in words."""

    when: str
    level: str
    level_word: str
    number: str
    outdoor: str
    outdoor_word: str
    co2: str
    ventilation: str
    state: str
    action: Markup
    reason: str


def router(ctx: Context) -> APIRouter:
    light = APIRouter(include_in_schema=False)

    @light.get("/training")
    async def training(request: Request, d: Annotated[str, Query(max_length=40)] = "") -> Response:
        """`d`: a letter for each decision so far; the address is all that is kept."""
        decisions = world.decisions_of(d)
        if decisions is None:
            return plain_page(request, 404)
        chosen, week = language(request), world.play(decisions)
        last = week.steps[len(decisions) - 1] if decisions else None
        return page(
            request,
            "training.html",
            chosen,
            home=f"/?lang={chosen}",
            simulated=False,
            query=f"d={d}" if d else "",
            step=len(decisions) + 1,
            steps=len(MOMENTS),
            now=None if week.over else _shown(chosen, week.steps[-1]),
            choices=[(one, f"/training?d={d}{_LETTER[one]}&lang={chosen}") for one in DECISIONS],
            before=_came(chosen, last, decisions[-1]) if last is not None else None,
            review=_review(chosen, week, decisions) if week.over else None,
            again=f"/training?lang={chosen}",
            back=f"/training?d={d[:-1]}&lang={chosen}" if d else "",
        )

    return light


def _shown(chosen: str, step: Step) -> Shown:
    room, moment = step.room, step.moment
    words = _texts(chosen, step)
    stuffy = CO2.level_of(room.co2)
    state = "windows_open" if room.windows else "windows_closed"
    return Shown(
        when=_when(chosen, step),
        level=step.level,
        level_word=i18n.t(chosen, f"level.{step.level}"),
        number=PM25.shown(room.pm25),
        outdoor=PM25.shown(moment.outdoor),
        outdoor_word=i18n.t(chosen, f"level.{step.outdoor_level}"),
        co2=CO2.shown(room.co2),
        ventilation=i18n.t(chosen, f"ventilation.{stuffy}"),
        state=i18n.t(chosen, f"training.{state}_{'on' if room.purifier else 'off'}"),
        action=phrases(words.action),
        reason=words.reason,
    )


def _texts(chosen: str, step: Step) -> PhaseTexts:
    facts = world.facts_of(step.room, step.moment)
    scene = Scene(row=step.row, level=step.level, worst=facts.indoor_level, play=facts.play)
    return known_texts(chosen, scene)


def _came(chosen: str, step: Step, decision: Decision) -> dict[str, object]:
    """What the last decision was, beside what the wall said."""
    same = decision == world.as_advised(step.row)
    return {
        "decision": i18n.t(chosen, f"training.did.{decision}"),
        "action": phrases(_texts(chosen, step).action),
        "same": same,
        "why": i18n.t(chosen, f"training.why.{_why(step)}"),
    }


def _why(step: Step) -> str:
    """A key of training.why: what decides at such a moment."""
    facts = world.facts_of(step.room, step.moment)
    outdoor, indoor = step.moment.outdoor, facts.indoor or 0.0
    if step.row in ("2", "7a"):
        return "clean_room"
    if outdoor > 37.5:
        return "stuffy_in_smoke" if step.row == "10" else "closed_in_smoke" if indoor > 25 else "stays_closed"
    return "fresh_air" if facts.co2_lasting else "clean_outside"


def _review(chosen: str, week: Week, decisions: list[Decision]) -> dict[str, object]:
    rows = [
        ("yours", week),
        ("advised", world.play(world.followed())),
        ("nothing", world.play(["nothing"] * len(MOMENTS))),
    ]
    return {
        "rows": [
            (
                i18n.t(chosen, f"training.{key}"),
                PM25.shown(of.mean) if of.mean is not None else "–",
                of.stuffy,
            )
            for key, of in rows
        ],
        "same": sum(d == world.as_advised(s.row) for s, d in zip(week.steps, decisions, strict=True)),
        "other": [
            (_when(chosen, step), i18n.t(chosen, f"training.did.{decision}"), phrases(_texts(chosen, step).action))
            for step, decision in zip(week.steps, decisions, strict=True)
            if decision != world.as_advised(step.row)
        ],
    }


def _when(chosen: str, step: Step) -> str:
    """Weekday and time of the day, as people write them."""
    hours, minutes = divmod(step.moment.minute, 60)
    at = datetime.combine(_MONDAY + timedelta(days=step.moment.weekday), time(hours, minutes), ZONE)
    return f"{i18n.weekday(step.moment.weekday, chosen, 'wide')} {i18n.show_date(at, chosen, 'time')}"
