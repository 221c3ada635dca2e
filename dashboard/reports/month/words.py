"""The monthly paper in words: every number rounded once, here; what is not known is "–" and never zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from classair import i18n
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame.parts import name_order, rooms_in_order
from dashboard.municipality.lessons import Lessons
from dashboard.municipality.week import Span, Used
from dashboard.reports.month.help_needed import Help, SchoolHelp
from dashboard.reports.month.numbers import MonthPaper, before

NOT_KNOWN: Final = "–"
MOST_LITTLE: Final = 6


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    this: str
    before: str
    year_ago: str


@dataclass(frozen=True, slots=True)
class SchoolWords:
    name: str
    helps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    about: str
    marks: tuple[str, ...]
    headline: str
    heads: tuple[str, str, str]
    measures: tuple[Measure, ...]
    schools: tuple[SchoolWords, ...]
    tickets: tuple[str, ...]
    spending: tuple[str, ...]
    quality: tuple[str, ...]


def words(ctx: Context, language: str, paper: MonthPaper) -> Words:
    t = Texts(ctx, language)
    last_month = before(paper.first)
    heads = tuple(
        i18n.show_month(day, language)
        for day in (paper.first, last_month, paper.first.replace(year=paper.first.year - 1))
    )
    config = ctx.config()
    names = sorted((config.sites[site].name.in_(language) for site in paper.sites), key=name_order)
    about = names[0] if len(names) == 1 else t("month.about", n=len(names), rooms=paper.rooms)
    marks = [t("word.simulated")] if paper.simulated else []
    if not paper.over:
        marks.append(t("month.running", time=i18n.show_date(local_time(paper.made_ms), language, "day_time")))
    return Words(
        t("month.title", month=heads[0]),
        about,
        tuple(marks),
        headline(t, paper.this.lessons, heads[0]),
        (heads[0], heads[1], heads[2]),
        _measures(t, paper),
        tuple(sorted((_school(t, one) for one in paper.help), key=lambda one: name_order(one.name))),
        _tickets(t, paper),
        _spending(t, paper),
        _quality(t, paper),
    )


class Texts:
    """Texts of this paper in one language."""

    def __init__(self, ctx: Context, language: str) -> None:
        self.ctx, self.language = ctx, language

    def __call__(self, key: str, **places: object) -> str:
        return i18n.t(self.language, key, **places)


def headline(t: Texts, lessons: Lessons, month: str) -> str:
    """One sentence, the first that fits; good news never hides bad hours."""
    known = lessons.known_share
    if known is None:
        return t("month.headline.none", month=month)
    above, good = lessons.hours_above, lessons.good_share
    if above is None or good is None:
        return t("month.headline.little", p=round(known * 100), month=month)
    if above / (lessons.known / 4) >= 0.05:
        return t("month.headline.above", h=count(above), p=round(100 * above / (lessons.known / 4)), month=month)
    return t("month.headline.good" if good >= 0.8 else "month.headline.mixed", p=round(good * 100), month=month)


# -- numbers -----------------------------------------------------------------------------------------------------------


def share(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{round(value * 100)}%"


def count(value: float | None) -> str:
    """To three figures: more would be made up."""
    if value is None:
        return NOT_KNOWN
    whole = round(value)
    return f"{round(whole, -max(0, len(str(whole)) - 3)):,}"


def about(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"≈\u00a0{count(value)}"


def _measures(t: Texts, paper: MonthPaper) -> tuple[Measure, ...]:
    spans = (paper.this, paper.before, paper.year_ago)

    def row(key: str, said: Sequence[str]) -> Measure:
        return Measure(t(f"month.measure.{key}"), *said)

    def lessons(one: Span) -> Lessons:
        return one.lessons

    return (
        row("good", [share(lessons(one).good_share) for one in spans]),
        row("protected", [about(lessons(one).protected_hours) for one in spans]),
        row("above", [count(lessons(one).hours_above) for one in spans]),
        row("on_time", [share(one.tickets.on_time) for one in spans]),
        row("known", [share(lessons(one).known_share) if lessons(one).known else t("month.no_data") for one in spans]),
    )


def _school(t: Texts, school: SchoolHelp) -> SchoolWords:
    name = t.ctx.config().sites[school.site].name.in_(t.language)
    return SchoolWords(name, tuple(_help(t, one) for one in school.helps))


def _help(t: Texts, one: Help) -> str:
    config = t.ctx.config()
    known = rooms_in_order(config, t.language, filter(config.has_room, one.rooms))
    rooms = ", ".join(config.room(room).name.in_(t.language) for room in known)
    if one.more:
        rooms = t("month.rooms_more", rooms=rooms, n=one.more)
    return t(f"month.help.{one.what}", rooms=rooms, n=one.count)


def _tickets(t: Texts, paper: MonthPaper) -> tuple[str, ...]:
    told = paper.this.tickets
    if not told.received:
        return (t("month.tickets.none"),)
    said = [
        t("month.tickets.counts", received=told.received, in_time=told.in_time, late=told.late, reopened=told.reopened),
    ]
    if told.median_hours is not None:
        said.append(t("month.tickets.median", hours=f"{told.median_hours:.0f}"))
    if told.late:
        reasons = [f"{reason} ({n})" if n > 1 else reason for reason, n in paper.late.reasons]
        if paper.late.unsaid:
            reasons.append(t("month.tickets.unsaid", n=paper.late.unsaid))
        said.append(t("month.tickets.reasons", reasons="; ".join(reasons)))
    return tuple(said)


def _spending(t: Texts, paper: MonthPaper) -> tuple[str, ...]:
    said = [_energy(t, paper.used, paper.used_before)]
    filters = paper.filters
    if filters is None:
        said.append(t("month.spending.filters_past"))
        return tuple(said)
    due = [t("month.spending.filters", n=len(filters.due))]
    if filters.budget is not None:
        due.append(t("month.spending.budget", value=f"{round(filters.budget):,}"))
    said.append(" ".join(due))
    if filters.unknown:
        said.append(t("month.spending.filters_unknown", n=len(filters.unknown)))
    return tuple(said)


def _energy(t: Texts, used: Used, past: Used) -> str:
    if used.energy is None or used.energy.kwh is None:
        return t("month.spending.energy_unknown")
    kwh, cost = used.energy.per_hour(used.protected_hours)
    before_ = count(past.energy.kwh if past.energy else None)
    said = [t("month.spending.energy", kwh=count(used.energy.kwh), before=before_)]
    if used.energy.cost is not None:
        said.append(t("month.spending.cost", value=f"{round(used.energy.cost):,}"))
    if kwh is not None and cost is not None:
        said.append(t("month.spending.per_hour_cost", kwh=f"{kwh:.3f}", value=f"{cost:.2f}"))
    elif kwh is not None:
        said.append(t("month.spending.per_hour", kwh=f"{kwh:.3f}"))
    if used.energy.without:
        said.append(t("month.spending.without", n=len(used.energy.without)))
    return " ".join(said)


def _quality(t: Texts, paper: MonthPaper) -> tuple[str, ...]:
    lessons = paper.this.lessons
    said = [t("month.quality.known", share=share(lessons.known_share), rooms=paper.rooms)]
    if paper.little:
        config = t.ctx.config()
        names = [
            f"{config.room(full).name.in_(t.language)} ({config.sites[full.partition('.')[0]].name.in_(t.language)})"
            for full in rooms_in_order(config, t.language, paper.little[:MOST_LITTLE])
        ]
        more = len(paper.little) - len(names)
        rooms = ", ".join(names)
        said.append(t("month.quality.little", rooms=t("month.rooms_more", rooms=rooms, n=more) if more else rooms))
    if lessons.uncounted:
        said.append(t("month.quality.uncounted", n=len(lessons.uncounted)))
    return tuple(said)
