"""What was measured: outdoors by day, rooms with exposure, purifiers. Each table says where its numbers are from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from classair import i18n
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.episodes.air import LIMITS, Air, Exposure, Hour, MissingTime
from dashboard.episodes.report import Report
from dashboard.frame import parts
from dashboard.frame.markup import html

NAMED_GAPS = 5


def site_name(ctx: Context, language: str, site: str) -> str:
    sites = ctx.config().sites
    return sites[site].name.in_(language) if site in sites else site


def place(ctx: Context, language: str, room: str) -> str:
    """A room with its school, a school alone, or a purifier, as far as the configuration knows it."""
    site, _, local = room.partition(".")
    if ctx.config().has_room(room):
        return f"{site_name(ctx, language, site)}, {parts.room_name(ctx, language, room)}"
    return f"{site_name(ctx, language, site)}, {local}" if local else site_name(ctx, language, site)


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def hours(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str) -> Any:
    return html.Div(
        html.Table(
            [
                html.Caption(caption),
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows]),
            ]
        ),
        className="report-table",
        tabIndex="0",
        role="region",
        **parts.spoken(caption),
    )


def source(ctx: Context, language: str, part: str) -> Any:
    """Where the numbers of a part are from."""
    return html.P(ctx.t(language, f"episode_report.source.{part}"), className="quiet source")


def outdoors(ctx: Context, language: str, report: Report) -> list[Any]:
    said: list[Any] = [html.H2(ctx.t(language, "episode_report.outdoors"))]
    if not report.outdoors:
        key = "readings_unavailable" if report.unavailable else "no_outdoors"
        return [html.Section([*said, html.P(ctx.t(language, f"episode_report.{key}"))])]
    heads = [ctx.t(language, f"episode_report.col.{key}") for key in ("day", "mean", "highest", "known")]
    for air in report.outdoors:
        said.append(table(heads, _days(ctx, language, air.hours), place(ctx, language, air.room)))
        said += _gaps(ctx, language, air)
    said.append(source(ctx, language, "outdoors"))
    said.append(_correction(ctx, language, report.outdoors))
    return [html.Section(said)]


def _correction(ctx: Context, language: str, known: Iterable[Air]) -> Any:
    labels = sorted({one.correction for one in known} - {"none"})
    key = "corrected" if labels else "not_corrected"
    return html.P(
        ctx.t(language, f"episode_report.{key}", **({"labels": ", ".join(labels)} if labels else {})),
        className="quiet source",
    )


def _days(ctx: Context, language: str, every: Sequence[Hour]) -> Iterable[Sequence[Any]]:
    for day, found in groupby(every, key=lambda hour: local_time(hour.start).date()):
        of_day = list(found)
        known = [(one.value, one.start) for one in of_day if one.value is not None]
        top = max(known, default=None)
        when = "" if top is None else i18n.show_date(local_time(top[1]), language, "time")
        yield (
            i18n.show_date(day, language, "medium"),
            number(sum(value for value, _ in known) / len(known) if known else None),
            "–" if top is None else ctx.t(language, "episode_report.value_at", value=number(top[0]), time=when),
            ctx.t(language, "episode_report.hours_known", n=len(known)),
        )


def _gaps(ctx: Context, language: str, air: Air) -> list[Any]:
    """The longest times without data, by name."""
    longest = sorted(air.missing, key=lambda one: one.start - one.end)[:NAMED_GAPS]
    if not longest:
        return []
    left = len(air.missing) - len(longest) + air.missing_more
    items = [html.Li(_gap(ctx, language, one)) for one in sorted(longest, key=lambda one: one.start)]
    if left:
        items.append(html.Li(ctx.t(language, "episode_report.gaps_more", n=left)))
    name = place(ctx, language, air.room)
    return [html.P(ctx.t(language, "episode_report.gaps", place=name), className="gaps"), html.Ul(items)]


def _gap(ctx: Context, language: str, one: MissingTime) -> str:
    reasons = [i18n.t(language, f"missing.{reason}") for reason in one.reasons if i18n.has(f"missing.{reason}")]
    said = "; ".join(reasons) or ctx.t(language, "episode_report.no_reason")
    start, end = (i18n.show_date(local_time(moment), language, "day_time") for moment in (one.start, one.end))
    return ctx.t(language, "episode_report.gap", start=start, end=end, why=said)


# -- rooms -------------------------------------------------------------------------------------------------------------


def rooms(ctx: Context, language: str, report: Report) -> list[Any]:
    said: list[Any] = [html.H2(ctx.t(language, "episode_report.rooms"))]
    if not report.rooms:
        key = "readings_unavailable" if report.unavailable else "no_rooms"
        return [html.Section([*said, html.P(ctx.t(language, f"episode_report.{key}"))])]
    exposure = {one.room: one for one in report.exposure}
    heads = [ctx.t(language, f"episode_report.col.{key}") for key in ("room", "mean_there", "occupied")]
    heads += [ctx.t(language, "episode_report.col.above", limit=f"{limit:g}") for limit in LIMITS]
    rows = sorted(report.rooms, key=lambda air: (-_worst(exposure.get(air.room)), air.room))
    said.append(
        table(
            heads,
            [_room(ctx, language, air, exposure.get(air.room)) for air in rows],
            ctx.t(language, "episode_report.exposure"),
        )
    )
    for air in rows:
        said += _gaps(ctx, language, air)
    said.append(html.P(ctx.t(language, "episode_report.exposure_how"), className="quiet source"))
    said.append(_correction(ctx, language, report.rooms))
    return [html.Section(said)]


def _worst(one: Exposure | None) -> float:
    return next((above.hours for above in one.above if above.limit == 37.5), 0.0) if one is not None else 0.0


def _room(ctx: Context, language: str, air: Air, one: Exposure | None) -> list[Any]:
    name = place(ctx, language, air.room)
    if one is None or one.occupied_hours is None:
        return [name, ctx.t(language, "episode_report.no_timetable"), "–", *("–" for _ in LIMITS)]
    there = ctx.t(language, "episode_report.known_of", known=hours(one.known_hours), all=hours(one.occupied_hours))
    above = {it.limit: it.hours for it in one.above}
    return [name, number(one.mean), there, *(hours(above[limit]) if one.known_hours else "–" for limit in LIMITS)]


def purifiers(ctx: Context, language: str, report: Report) -> list[Any]:
    said: list[Any] = [html.H2(ctx.t(language, "episode_report.purifiers"))]
    if not report.purifiers:
        key = "readings_unavailable" if report.unavailable else "no_purifiers"
        return [html.Section([*said, html.P(ctx.t(language, f"episode_report.{key}"))])]
    heads = [ctx.t(language, f"episode_report.col.{key}") for key in ("purifier", "on", "off", "unknown")]
    rows = [
        (
            f"{one.purifier.partition('.')[2]} ({place(ctx, language, one.room)})",
            hours(one.on),
            hours(one.off),
            hours(one.unknown),
        )
        for one in report.purifiers
    ]
    said.append(table(heads, rows, ctx.t(language, "episode_report.purifier_hours")))
    said.append(source(ctx, language, "purifiers"))
    return [html.Section(said)]
