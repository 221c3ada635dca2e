"""The weekly report in words: every sentence that page, PDF, picture, message and e-mail share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from babel.dates import format_date

from classair import i18n
from classair.config import Config
from classair.science.state import pm25_shown
from classair.timetable import ZONE, local_time
from classair.units import HOUR_MS
from dashboard.reports.week.numbers import DayAir, Gap, WeekReport
from research.lesson_air import LEVELS, NO_DATA

MOST_CAUSES = 2
MOST_GAPS = 5
"""Longer lists would push the advice to parents off the page; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Share:
    """`before`: per cent of the levels before it, so that a bar begins there."""

    level: str
    before: int
    percent: int
    text: str


@dataclass(frozen=True, slots=True)
class DayWords:
    """`inside`, `outside`: means as shown, "–" for unknown."""

    name: str
    short: str
    shares: tuple[Share, ...]
    inside: str
    outside: str


@dataclass(frozen=True, slots=True)
class WeekWords:
    """`figures`: what is shown large, and what it is; an unknown figure is "–" with the reason."""

    title: str
    room: str
    about: str
    headline: str
    figures: tuple[tuple[str, str, str], ...]
    days: tuple[DayWords, ...]
    line: str
    summary: str
    gaps: tuple[str, ...]
    complete: bool
    did: tuple[str, ...]
    can: tuple[str, ...]
    simulated: str
    draft: str

    @property
    def dense(self) -> bool:
        """Whether there is so much to say that the sheet is set smaller."""
        return sum(len(day.shares) >= 5 for day in self.days) + len(self.gaps) > 3


def words(report: WeekReport, config: Config, language: str) -> WeekWords:
    """Raises KeyError for a room that the configuration does not know."""

    def t(key: str, **places: object) -> str:
        return i18n.t(language, f"week.{key}", **places)

    site = config.sites[report.room.partition(".")[0]].name.in_(language)
    return WeekWords(
        title=t("title"),
        room=t("room", room=config.room(report.room).name.in_(language)),
        about=t(
            "site_and_days",
            site=site,
            days=i18n.show_days(report.first, report.last, language),
            time=_lesson_time(report, language, t),
        ),
        headline=headline(report, language),
        figures=_figures(report, language, t),
        days=tuple(_day(day, language, t) for day in report.days),
        line=t("line", unit=i18n.t(language, "unit.ugm3")),
        summary=_summary(report, language, t),
        gaps=_gaps(report.gaps, language, t),
        complete=not report.gaps and bool(report.days),
        did=_did(report, language, t),
        can=_can(report, t),
        simulated=i18n.t(language, "word.simulated") if report.simulated else "",
        draft="" if report.over else t("draft"),
    )


def headline(report: WeekReport, language: str) -> str:
    """The one sentence that says the week."""
    said = report.headline

    def t(key: str, **places: object) -> str:
        return i18n.t(language, f"week.{key}", **places)

    if said.key == "not_enough":
        return t("head_not_enough", p=said.percent)
    if said.key == "above_moderate":
        first = t("head_above_moderate", h=f"{said.hours:g}")
    elif said.key == "good":
        first = t("head_good_part" if report.shares[NO_DATA] else "head_good", p=said.percent)
    else:
        first = t("head_mostly", level=i18n.t(language, f"level.{said.level}"))
    return t("joined", first=first, second=t("cleaner")) if said.cleaner_each_day else first


Text = Callable[..., str]


def _lesson_time(report: WeekReport, language: str, t: Text) -> str:
    if report.lessons_from is None or report.lessons_to is None:
        return t("lesson_time_small")
    midnight = datetime.combine(report.first, datetime.min.time(), ZONE)
    start, end = (midnight + timedelta(milliseconds=ms) for ms in (report.lessons_from, report.lessons_to))
    return t("lesson_time", start=start.strftime(i18n.head(language).clock), end=i18n.show_date(end, language, "time"))


def _figures(report: WeekReport, language: str, t: Text) -> tuple[tuple[str, str, str], ...]:
    unit, none = i18n.t(language, "unit.ugm3"), t("none")
    figures = [
        (pm25_shown(report.inside), unit, t("figure_inside"))
        if report.inside is not None
        else (none, "", t("inside_not_known")),
        (pm25_shown(report.outside), unit, t("figure_outside"))
        if report.outside is not None
        else (none, "", t("outside_not_known" if not report.yard else "outside_no_data")),
    ]
    if report.fresh_percent is not None:
        figures.append((f"{report.fresh_percent}%", "", t("figure_fresh")))
    else:
        figures.append((none, "", t("fresh_not_public" if report.small else "fresh_not_known")))
    return tuple(figures)


def _day(day: DayAir, language: str, t: Text) -> DayWords:
    locale, none = i18n.head(language).locale, t("none")
    starts = dict(zip(LEVELS, accumulate((day.shares[level] for level in LEVELS), initial=0), strict=False))
    shares = tuple(
        Share(level, starts[level], share, t("share", level=level_name(level, language), p=share))
        for level in LEVELS
        if (share := day.shares[level])
    )
    return DayWords(
        name=str(format_date(day.day, "EEEE d", locale=locale)),
        short=str(format_date(day.day, "EEE d", locale=locale)),
        shares=shares,
        inside=pm25_shown(day.inside) or none,
        outside=pm25_shown(day.outside) or none,
    )


def level_name(level: str, language: str) -> str:
    return i18n.t(language, "week.no_data" if level == NO_DATA else f"level.{level}")


def _summary(report: WeekReport, language: str, t: Text) -> str:
    none = t("no_data")
    inside = [slot.inside for day in report.days for slot in day.slots if slot.inside is not None]
    outside = [slot.outside for day in report.days for slot in day.slots if slot.outside is not None]
    return t(
        "line_summary",
        inside=pm25_shown(report.inside) or none,
        inside_most=pm25_shown(max(inside, default=None)) or none,
        outside=pm25_shown(report.outside) or none,
        outside_most=pm25_shown(max(outside, default=None)) or none,
        unit=i18n.t(language, "unit.ugm3"),
    )


def _gaps(gaps: list[Gap], language: str, t: Text) -> tuple[str, ...]:
    """The longest by day and time, the rest counted."""
    longest = sorted(gaps, key=lambda gap: gap.start_ms - gap.end_ms)[:MOST_GAPS]
    said = [_gap(gap, language, t) for gap in sorted(longest, key=lambda gap: gap.start_ms)]
    rest = [gap for gap in gaps if gap not in longest]
    if rest:
        hours = sum(gap.end_ms - gap.start_ms for gap in rest) / HOUR_MS
        said.append(t("gaps_more", n=len(rest), h=f"{hours:g}"))
    return tuple(said)


def _gap(gap: Gap, language: str, t: Text) -> str:
    causes = [i18n.t(language, f"missing.{reason}") for reason in gap.reasons[:MOST_CAUSES]] or [t("gap_unknown")]
    start, end = local_time(gap.start_ms), local_time(gap.end_ms)
    return t(
        "gap",
        day=weekday(gap.day, language),
        start=start.strftime(i18n.head(language).clock),
        end=i18n.show_date(end, language, "time"),
        cause="; ".join(causes),
    )


def weekday(day: date, language: str) -> str:
    return str(format_date(day, "EEEE", locale=i18n.head(language).locale))


def _did(report: WeekReport, language: str, t: Text) -> tuple[str, ...]:
    did, said = report.school_did, []
    if did.purifier_percent:
        said.append(t("did_purifier_least" if did.purifier_unknown else "did_purifier", p=did.purifier_percent))
    if did.airings:
        said.append(t("did_airing") if did.airings == 1 else t("did_airings", n=did.airings))
    if did.cancelled:
        said.append(t("did_cancelled", days=", ".join(weekday(day, language) for day in did.cancelled)))
    return tuple(said)


def _can(report: WeekReport, t: Text) -> tuple[str, ...]:
    """By the worst level outdoors: masks for orange and red days, the medicine from moderate on."""
    worst = LEVELS.index(report.worst_outdoor)
    keys = []
    if LEVELS.index("starts_to_affect_health") <= worst < LEVELS.index(NO_DATA):
        keys.append("can_mask")
    if worst >= LEVELS.index("moderate"):  # not known counts as if it were needed
        keys.append("can_asthma")
    return tuple(t(key) for key in (*keys, "can_engine", "can_report"))
