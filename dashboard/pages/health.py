"""Every service, bridge, sensor and purifier in plain words: how it is, since when, why, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Final, Literal

import dash
from dash import Input, Output, State, dcc, html

from classair.model import BAD, Flag
from dashboard import parts
from dashboard.cases import purifier_trouble
from dashboard.context import Context
from dashboard.processes import Process
from dashboard.queries import StoreUnavailable

PATH = "/health"
ORDER = 90
TITLE_KEY = "health_page.title"
BEAT_SILENT_MS: Final = 20_000
"""The controller beats every 5 s; after this long without, bridges follow their edge rule."""

MANY_LEFT: Final = 20
"""Of a store that keeps up, a step or two are always under way."""

DOUBTED_MS: Final = 15 * 60_000
"""A newest reading that is older says nothing of how the sensor is now."""

MOST_ROOMS: Final = 200
"""Of a large town the flags are looked up in the explorer, not every five seconds for all."""

Doubts = Mapping[str, Flag]
NO_DOUBTS: Final[Doubts] = MappingProxyType({})

Well = Literal["yes", "wait", "no"]


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the system. `word` is a key of health_page.word, `at` when it last spoke (UTC ms).

    `process`: under which name a supervisor would keep it alive.
    """

    group: str
    name: str
    detail: str
    well: Well
    word: str
    at: int | None = None
    cause: str = ""
    figures: Sequence[str] = field(default_factory=tuple)
    process: str = ""


def layout(ctx: Context, language: str) -> Any:
    return parts.page(ctx, language, PATH, {}, html.Div(_body(ctx, language, *_asked(ctx)), id="health"),
                      dcc.Interval(id="health-tick", interval=5_000))


def callbacks(app: dash.Dash, ctx: Context) -> None:
    from dashboard.frame import language_of

    @app.callback(
        Output("health", "children"), Input("health-tick", "n_intervals"), State("at", "search"),
        prevent_initial_call=True,
    )
    async def renew(_tick: int | None, search: str | None) -> Any:
        store_fault, doubts = await asyncio.to_thread(_asked, ctx)
        return _body(ctx, language_of(search or "", ctx.config().language), store_fault, doubts)


def _asked(ctx: Context) -> tuple[str, Doubts]:
    """Why the store does not answer, empty when it does; and what is known against each sensor's newest reading."""
    doubts: dict[str, Flag] = {}
    try:
        ctx.queries.rooms()
        newest_from = ctx.now_ms() - DOUBTED_MS
        for room in [room for room, _ in ctx.config().rooms()][:MOST_ROOMS]:
            for found in ctx.queries.latest(room):
                reading = found.reading
                if reading.at_ms >= newest_from:
                    doubts[found.sensor] = reduce(or_, map(Flag, reading.value_flags.values()), reading.flags)
    except StoreUnavailable as error:
        return str(error) or "StoreUnavailable", doubts
    return "", doubts


# -- what is known of each part ----------------------------------------------------------------------------------------

def rows(ctx: Context, language: str, store_fault: str, doubts: Doubts = NO_DOUBTS) -> list[Row]:
    """Every part that the configuration names or that has spoken."""
    found = [
        *_middle(ctx, language, store_fault), *_services(ctx, language), *_bridges(ctx, language),
        *_sensors(ctx, language, doubts), *_purifiers(ctx, language),
    ]
    known = ctx.processes()
    return [_with_process(ctx, language, row, known[row.process]) if row.process in known else row for row in found]


def _with_process(ctx: Context, language: str, row: Row, process: Process) -> Row:
    """What the supervisor knows of it: how often it began again, why it ended, where its log is."""
    name = process.log_name
    figures = [*row.figures, ctx.t(language, "health_page.log", name=name)]
    if process.restarts:
        code = process.last_exit
        ended = "" if code is None else ctx.t(
            language, "health_page.ended_signal" if code < 0 else "health_page.ended_code", n=abs(code))
        figures.append(f"{ctx.t(language, 'health_page.restarts', n=process.restarts)} {ended}".rstrip())
    if process.alive:
        return replace(row, figures=figures)
    return replace(row, figures=figures, well="no", word="offline", cause=ctx.t(
        language, "health_page.do.ended", name=name))


def _middle(ctx: Context, language: str, store_fault: str) -> list[Row]:
    up = ctx.live.connected()
    filling = "" if store_fault else _filling(ctx, language)
    return [
        Row("services", ctx.t(language, "health_page.broker"), "", "yes" if up else "no", "online" if up else "away",
            cause="" if up else ctx.t(language, "health_page.do.broker"), process="broker"),
        Row("services", ctx.t(language, "health_page.store"), ctx.config().store.partition(":")[0],
            "no" if store_fault else "wait" if filling else "yes",
            "away" if store_fault else "behind" if filling else "online",
            cause=ctx.t(language, "health_page.do.store", why=store_fault) if store_fault else filling),
    ]


def _filling(ctx: Context, language: str) -> str:
    """What to say while a store that is filled from ingest's journal lacks much of it; empty when it does not."""
    status = ctx.live.services().get("ingest")
    left = status.figures.get("carry_left") if status is not None and status.state == "online" else None
    if not isinstance(left, int | float) or left < MANY_LEFT:
        return ""
    return ctx.t(language, "health_page.do.filling", n=f"{left:,}")


def _services(ctx: Context, language: str) -> list[Row]:
    told, newest = ctx.live.services(), ctx.live.accepted()
    simulated = any(ctx.config().site_simulated(site) for site in ctx.config().sites)
    names = ["ingest", "alerts", "dashboard", *(["simulator"] if simulated else [])]
    found: list[Row] = []
    for name in [*names, *sorted(set(told) - set(names))]:
        key = f"health_page.name.{name}"
        title = ctx.t(language, key) if name in names else name
        status = told.get(name)
        process = "simulate" if name == "simulator" else name
        if name == "dashboard":
            # Whoever reads this page hears from it.
            found.append(Row("services", title, "", "yes", "online", ctx.now_ms(), figures=_figures(ctx, language, {}),
                             process=name))
            continue
        if status is None:
            found.append(Row("services", title, "", "wait", "unknown",
                             cause=ctx.t(language, "health_page.do.never", service=name), process=process))
            continue
        well: Well = "yes" if status.state == "online" else "no"
        word: str = status.state
        cause = "" if well == "yes" else ctx.t(language, "health_page.do.offline", service=name)
        beat = ctx.live.beat()
        if name == "alerts" and well == "yes" and beat is not None and ctx.now_ms() - beat.at > BEAT_SILENT_MS:
            well, word = "no", "behind"
            cause = ctx.t(language, "health_page.do.beat", service=name,
                          age=parts.duration(ctx, language, ctx.now_ms() - beat.at))
        figures = list(_figures(ctx, language, status.figures))
        if newest is not None and well == "yes" and 0 < status.config_version < newest.version:
            well, word, cause = "wait", "behind", ctx.t(language, "health_page.do.behind", service=name)
        if newest is not None and status.config_version:
            figures.append(ctx.t(language, "health_page.follows", n=status.config_version, newest=newest.version))
        if status.warnings:
            well = "no" if well == "no" else "wait"
            warned = [words.get(language, "") for words in status.causes] or status.warnings
            cause = " ".join([cause, *warned]).strip()
        found.append(Row("services", title, status.version, well, word, status.at or None, cause, figures,
                         process))
    return found


def _bridges(ctx: Context, language: str) -> list[Row]:
    found: list[Row] = []
    for full, settings in ctx.config().bridges():
        status = ctx.live.bridge(full)
        title = settings.name.in_(language) if settings.name else full.partition(".")[2]
        detail = f"{parts.site_name(ctx, language, full)} · {full}"
        if status is None:
            found.append(Row("bridges", title, detail, "wait", "unknown",
                             cause=ctx.t(language, "health_page.do.bridge_never"), process=f"bridge-{full}"))
            continue
        figures = [ctx.t(language, "health_page.waiting", n=f"{status.waiting:,}")]
        if status.clock:
            clock = f"health_page.clock_state.{status.clock}"
            figures.append(ctx.t(language, "health_page.clock",
                                 state=ctx.t(language, clock) if _known(clock) else status.clock))
        up = status.state == "online"
        storage = status.storage if status.storage not in ("", "ok") else ""
        cause = ctx.t(language, "health_page.do.storage", why=storage) if storage else ""
        if not up:
            cause = f"{ctx.t(language, 'health_page.do.bridge')} {cause}".strip()
        found.append(Row("bridges", title, detail, "no" if not up else "wait" if storage else "yes", status.state,
                         status.at or None, cause, figures, f"bridge-{full}"))
    return found


def _sensors(ctx: Context, language: str, doubts: Doubts) -> list[Row]:
    found: list[Row] = []
    for full, settings in ctx.config().sensors():
        site = full.partition(".")[0]
        room = f"{site}.{settings.room}"
        title = full.partition(".")[2]
        detail = ctx.t(language, "health_page.in_room", model=settings.model,
                       room=f"{parts.room_name(ctx, language, room)} · {parts.site_name(ctx, language, room)}")
        word = ctx.live.sensor(full)
        if word is None:
            found.append(Row("sensors", title, detail, "wait", "unknown",
                             cause=ctx.t(language, "health_page.do.sensor_never")))
            continue
        well: Well = ("yes" if word.state in ("ok", "asleep") and not (word.state == "ok" and word.key) else
                      "wait" if word.state in ("ok", "starting") else "no")
        told = " ".join(text for part in (word.cause, word.step)
                        if (text := part.get(language) or part.get("en", "")))
        advice = "" if well == "yes" or told else ctx.t(language, f"health_page.do.{word.state}")
        if well == "yes" and (doubt := doubts.get(full, Flag.NONE)):
            # The line is sound, and yet its values are not taken at their word.
            well, told = "wait" if doubt & BAD else well, _doubt(ctx, language, doubt)
        figures = _figures(ctx, language, dict(sorted(word.counters.items())))
        found.append(Row("sensors", title, detail, well, word.state, word.at, told or advice, figures))
    return found


def _doubt(ctx: Context, language: str, doubt: Flag) -> str:
    """Why values are set aside or doubted, in words."""
    why = " · ".join(ctx.t(language, f"flag.{flag.name.lower()}") for flag in Flag if flag & doubt and flag.name)
    return ctx.t(language, "health_page.set_aside" if doubt & BAD else "health_page.doubted", why=why)


def _purifiers(ctx: Context, language: str) -> list[Row]:
    found: list[Row] = []
    for full, settings in ctx.config().purifiers():
        room = f"{full.partition('.')[0]}.{settings.room}"
        title, detail = full.partition(".")[2], " · ".join(
            (settings.kind, parts.room_name(ctx, language, room), parts.site_name(ctx, language, room)))
        unit = ctx.live.purifier(full)
        if unit is None:
            found.append(Row("purifiers", title, detail, "wait", "unknown",
                             cause=ctx.t(language, "health_page.do.purifier_never")))
            continue
        trouble = purifier_trouble(unit, ctx.now_ms())
        cause = ctx.t(language, f"health_page.do.{trouble}") if trouble else ""
        word = trouble.removeprefix("purifier_") if trouble else "ok"
        state = ctx.t(language, f"pages.purifier.{'unknown' if unit.on is None else 'on' if unit.on else 'off'}")
        found.append(Row("purifiers", title, detail, "no" if trouble else "yes", word, unit.at, cause,
                         [state, unit.reason] if unit.reason else [state]))
    return found


def _known(key: str) -> bool:
    from classair import i18n

    return i18n.has(key)


def _figures(ctx: Context, language: str, told: Mapping[str, Any]) -> list[str]:
    """What a part counts, under a name of the language where it has one, else under its own; zeros say nothing."""
    found = []
    for name, value in told.items():
        if value in (None, 0, ""):
            continue
        key = f"health_page.figure.{name}"
        title = ctx.t(language, key) if _known(key) else name.replace("_", " ")
        found.append(f"{title} {_figure(ctx, language, name, value)}")
    return found


def _figure(ctx: Context, language: str, name: str, value: Any) -> str:
    if name.endswith("_at") and isinstance(value, int):
        return parts.moment(value, ctx.now_ms(), language)
    if name.startswith("disk") and isinstance(value, int | float):
        return f"{value / 1e9:,.1f}\u00a0GB"
    if isinstance(value, int | float):
        return f"{value:,}"
    key = f"health_page.value.{value}"
    return ctx.t(language, key) if _known(key) else str(value)


# -- how it is shown ---------------------------------------------------------------------------------------------------

def _body(ctx: Context, language: str, store_fault: str, doubts: Doubts = NO_DOUBTS) -> list[Any]:
    found = rows(ctx, language, store_fault, doubts)
    accepted = ctx.live.accepted()
    refused = accepted.refused if accepted else None
    # Only what has stopped or is in doubt is a matter; what has not spoken yet waits in its own group.
    amiss = [row for row in found if row.well == "no" or (row.well == "wait" and row.word != "starting")]
    count = len(amiss) + bool(refused)
    head = [html.H1(ctx.t(language, "health_page.title"))]
    if count:
        summary: Any = html.P(ctx.t(language, "health_page.some", n=count), className="quiet", role="status")
    else:
        summary = html.Div([html.I(className="tick"), ctx.t(language, "health_page.all_well")], className="well",
                           role="status")
    groups = [("look_here", sorted(amiss, key=lambda row: row.well != "no"))] if amiss else []
    groups += [(name, [row for row in found if row.group == name and row not in amiss])
               for name in ("services", "bridges", "sensors", "purifiers")]
    return [
        html.Div([*head, *([summary] if count else [])], className="head"), *([] if count else [summary]),
        *([_refused(ctx, language, refused)] if refused else []),
        *(_group(ctx, language, name, members) for name, members in groups if members),
        _configuration(ctx, language),
    ]


def _refused(ctx: Context, language: str, refused: str) -> Any:
    return html.Section([
        html.P(html.B(ctx.t(language, "health_page.refused"))), html.Pre(refused, className="refused", lang="en"),
        html.P(ctx.t(language, "health_page.refused_do")),
    ], className="panel group")


def _group(ctx: Context, language: str, name: str, members: Iterable[Row]) -> Any:
    heads = ("part", "state", "heard", "cause", "numbers")
    return html.Section([
        html.H2(ctx.t(language, f"health_page.{name}")),
        html.Div(html.Table([
            html.Thead(html.Tr([html.Th(ctx.t(language, f"health_page.{head}"), scope="col") for head in heads])),
            html.Tbody([_row(ctx, language, row) for row in members]),
        ], className="health"), className="panel"),
    ], className="group")


def _row(ctx: Context, language: str, row: Row) -> Any:
    heard = parts.age(ctx, language, row.at, "ago") if row.at is not None else html.Span("–", className="quiet")
    return html.Tr([
        html.Td([row.name, html.Small(row.detail)] if row.detail else row.name, className="part"),
        html.Td(html.Span(ctx.t(language, f"health_page.word.{row.word}"), className="state-word",
                          **parts.data(well=row.well))),
        html.Td(heard, className="quiet nowrap"),
        html.Td(row.cause),
        html.Td(" · ".join(row.figures), className="counts"),
    ])


def _configuration(ctx: Context, language: str) -> Any:
    accepted = ctx.live.accepted()
    told = ctx.t(language, "health_page.version_none") if accepted is None else ctx.t(
        language, "health_page.version", n=accepted.version,
        time=parts.moment(accepted.accepted_at, ctx.now_ms(), language))
    names = ["broker.log", "ingest.log", "alerts.log", "dashboard.log",
             *(f"bridge-{full}.log" for full, _ in ctx.config().bridges())]
    return html.Section([
        html.H2(ctx.t(language, "health_page.configuration")),
        html.Div([html.P(told), html.P(ctx.t(language, "health_page.logs", names=", ".join(names)), className="quiet")],
                 className="panel pad"),
    ], className="group")
