"""A room's evidence in words: each figure with how it was found, rounded once, here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from classair import i18n
from classair.timetable import local_time
from dashboard.clean_rooms.evidence import Evidence, Measured, requests
from dashboard.context import Context
from research.selection import Selection

NOT_KNOWN: Final = "–"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: str
    how: str


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    room: str
    about: str
    marks: tuple[str, ...]
    rows: tuple[Row, ...]
    commands: tuple[str, ...]
    ids: str
    made: str


def number(value: float | None, digits: int) -> str:
    return NOT_KNOWN if value is None else f"{value:,.{digits}f}"


def per_hour(ctx: Context, language: str, value: float | None) -> str:
    return NOT_KNOWN if value is None else ctx.t(language, "clean_rooms.per_hour", value=f"{value:.1f}")


def days(ctx: Context, language: str, one: Evidence) -> str:
    known = one.below + one.above
    return NOT_KNOWN if not known else ctx.t(language, "clean_rooms.days", below=one.below, known=known)


def share(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{round(value * 100)}%"


def words(ctx: Context, language: str, one: Evidence, measured: Measured) -> Words:
    config = ctx.config()

    def t(key: str, **places: Any) -> str:
        return ctx.t(language, key, **places)

    settings, site = config.room(one.room), config.sites[one.room.partition(".")[0]]
    name = settings.name.in_(language)
    marks = [ctx.t(language, "word.simulated")] if one.simulated else []
    marks.append(t("clean_rooms.designated" if one.designated else "clean_rooms.not_designated"))
    lessons, by_day = requests(config, one.room, one.first, one.last)
    unit = ctx.t(language, "unit.ugm3")
    ratio_how = (
        t(
            "clean_rooms.how.ratio",
            inside=number(one.inside, 1),
            outside=number(one.outside, 1),
            unit=unit,
            n=f"{one.pairs:,}",
        )
        if one.ratio is not None
        else t("clean_rooms.how.ratio_unknown")
    )
    return Words(
        t("clean_rooms.paper_title"),
        name,
        f"{site.name.in_(language)} · {i18n.show_days(one.first, one.last, language)}",
        tuple(marks),
        (
            Row(t("clean_rooms.row.seats"), f"{one.seats:,}" if one.seats else NOT_KNOWN, t("clean_rooms.how.seats")),
            Row(
                t("clean_rooms.row.volume"),
                _with(number(one.air.volume_m3, 0), t("clean_rooms.m3")),
                t("clean_rooms.how.volume"),
            ),
            Row(
                t("clean_rooms.row.label"),
                per_hour(ctx, language, one.air.per_hour),
                t("clean_rooms.how.label", cadr=number(one.air.cadr_m3h, 0))
                if one.air.cadr_m3h
                else t("clean_rooms.how.no_purifier"),
            ),
            Row(t("clean_rooms.row.measured"), *_measured(ctx, language, one, measured)),
            Row(t("clean_rooms.row.ratio"), number(one.ratio, 2), ratio_how),
            Row(t("clean_rooms.row.days"), days(ctx, language, one), t("clean_rooms.how.days", unknown=one.unknown)),
            Row(
                t("clean_rooms.row.known"),
                share(one.known_share),
                t("clean_rooms.how.known", known=f"{one.known:,}", all=f"{one.slots:,}"),
            ),
        ),
        tuple(_command(one) for one in (lessons, by_day)),
        t("clean_rooms.ids", lessons=lessons.id, days=by_day.id, data=one.data),
        t("clean_rooms.made", time=i18n.show_date(local_time(ctx.now_ms()), language, "day_time")),
    )


def _with(value: str, unit: str) -> str:
    return value if value == NOT_KNOWN else f"{value}\u00a0{unit}"


def _measured(ctx: Context, language: str, one: Evidence, measured: Measured) -> tuple[str, str]:

    def t(key: str, **places: Any) -> str:
        return ctx.t(language, key, **places)

    if measured.value is None:
        key = f"room_physics.why.{measured.why}"
        if measured.why in ("no_purifier", "not_installed"):
            return NOT_KNOWN, t(f"clean_rooms.how.{measured.why}")
        return NOT_KNOWN, t(
            "clean_rooms.how.not_measured", why=ctx.t(language, key) if i18n.has(key) else measured.why or NOT_KNOWN
        )
    volume = one.air.volume_m3
    value = per_hour(ctx, language, measured.value / volume if volume else None)
    said = t(
        "clean_rooms.how.measured",
        value=number(measured.value, 0),
        low=number(measured.low, 0),
        high=number(measured.high, 0),
        n=measured.n,
    )
    return value, said


def _command(selection: Selection) -> str:
    return (
        f"classair export --rooms {','.join(selection.rooms)} --first {selection.first} --last {selection.last} "
        f"--quantities pm25 --step {selection.step} --method accepted"
    )
