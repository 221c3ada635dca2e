"""The circumstances of a report, as they were looked up at its receipt: chart and table, devices, other reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from classair import i18n
from classair.science.state import CO2, PM25
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame.markup import html, piece
from dashboard.pages.tickets.chart import drawn
from dashboard.tickets import texts
from dashboard.tickets.records import Entry

_SCALES: Final = {"pm25": PM25, "co2": CO2, "outdoor": PM25}
Points = Sequence[Sequence[Any]]


def shown(ctx: Context, language: str, log: Sequence[Entry]) -> str:
    entry = next((one for one in log if one.what == "evidence"), None)
    title = html.H2(ctx.t(language, "tickets_page.evidence"))
    if entry is None:
        return html.Section(
            [title, html.P(ctx.t(language, "tickets_page.evidence_waits"), className="quiet")],
            className="panel",
            **piece("evidence"),
        )
    data = entry.data
    parts_of = [title]
    if data.get("failed") or "series" not in data:
        key = "tickets_page.evidence_failed" if data.get("failed") else "tickets_page.no_room"
        parts_of.append(html.P(ctx.t(language, key), className="quiet"))
    else:
        parts_of += _air(ctx, language, data["series"])
        parts_of.append(_devices(ctx, language, data))
    others = [f"{one['number']} {ctx.t(language, 'ticket.kind.' + one['kind'])}" for one in data.get("open", ())]
    if others:
        parts_of.append(html.P(ctx.t(language, "tickets_page.others", list=", ".join(others))))
    version = data.get("config_version")
    looked = ctx.t(language, "tickets_page.looked", when=texts.moment(int(data["at"]), language))
    known = "" if version is None else ctx.t(language, "tickets_page.config", version=version)
    parts_of.append(html.P(f"{looked} {known}".strip(), className="quiet"))
    return html.Section(parts_of, className="panel", **piece("evidence"))


def _air(ctx: Context, language: str, series: Mapping[str, Points | None]) -> list[Any]:
    inside, outside = series.get("pm25"), series.get("outdoor")
    if inside is None:
        return [html.P(ctx.t(language, "tickets_page.no_database"), className="quiet")]
    known = [float(value) for _, value in inside if value is not None]
    if known:
        said = ctx.t(
            language,
            "tickets_page.air",
            low=PM25.shown(min(known)),
            high=PM25.shown(max(known)),
            last=_value(ctx, language, "pm25", inside[-1][1]),
            missing=sum(value is None for _, value in inside),
            steps=len(inside),
        )
    else:
        said = ctx.t(language, "tickets_page.no_air")
    names = [name for name in ("pm25", "outdoor", "co2") if series.get(name) is not None]
    tables = {name: {int(at): value for at, value in series[name] or ()} for name in names}
    rows = [
        html.Tr(
            [
                html.Td(_time(int(at), language)),
                *(html.Td(_value(ctx, language, name, tables[name].get(int(at)))) for name in names),
            ]
        )
        for at, _ in inside
    ]
    heads = [html.Th(ctx.t(language, f"tickets_page.head.{name}"), scope="col") for name in ("when", *names)]
    return [
        html.P(said),
        drawn(ctx, language, inside, outside) if known else "",
        html.Details(
            [
                html.Summary(ctx.t(language, "tickets_page.table")),
                html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)]),
            ]
        ),
    ]


def _devices(ctx: Context, language: str, data: Mapping[str, Any]) -> Any:
    lines = []
    for one in data.get("sensors", ()):
        state = one["state"] or "unknown"
        cause = one.get("cause", {}).get(language, "")
        words = ctx.t(language, f"tickets_page.sensor.{state}")
        lines.append(html.Li(" · ".join(filter(None, [one["sensor"], words, cause]))))
    for one in data.get("purifiers", ()):
        on = {True: "on", False: "off"}.get(one["on"], "unknown")
        said = [one["purifier"], ctx.t(language, f"tickets_page.purifier.{on}")]
        if one.get("watts") is not None:
            said.append(f"{one['watts']:.0f}\u00a0W")
        if one.get("faults"):
            said.append(ctx.t(language, "tickets_page.faults", list=", ".join(one["faults"])))
        lines.append(html.Li([" · ".join(said), _switched(ctx, language, one.get("log"))]))
    return html.Ul(lines) if lines else ""


def _switched(ctx: Context, language: str, log: Points | None) -> Any:
    """When it was on and off in these hours."""
    if log is None:
        return html.P(ctx.t(language, "tickets_page.no_database"), className="quiet")
    words = [
        ctx.t(
            language,
            f"tickets_page.was.{ {True: 'on', False: 'off'}.get(on, 'unknown') }",
            start=_time(int(start), language),
            end=_time(int(end), language),
        )
        for start, end, on in log
    ]
    return html.P(", ".join(words) or ctx.t(language, "tickets_page.no_log"), className="quiet")


def _value(ctx: Context, language: str, name: str, value: Any) -> str:
    if value is None:
        return ctx.t(language, "pages.chart.no_data")
    return f"{value:.1f}" if name != "co2" else _SCALES[name].shown(float(value))


def _time(at_ms: int, language: str) -> str:
    return i18n.show_date(local_time(at_ms), language, "time")
