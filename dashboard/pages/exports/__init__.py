"""Exports: choose, preview, create, follow and download."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import dash
import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, dcc, html
from dash import ctx as called

from classair import dates, i18n
from classair.model import QUANTITIES
from classair.science.corrections import PUBLISHED
from classair.timetable import local_time
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import asker, parts
from dashboard.frame.date_field import date_field
from dashboard.queries.exports import KEEP_MS, OPEN, ExportRefused, Exports, Job
from research.export.request import Request
from research.selection import STEP_MS, Selection, SelectionRefused

PATH = "/exports"
ORDER = 60
TITLE_KEY = "exports.title"
NEED = Need.READ

_DESCRIPTION: Final = {"description": {"color": "var(--soft)"}}
"""Mantine's own grey has too little contrast."""
_FIELDS: Final = (
    "rooms",
    "quantities",
    "first",
    "last",
    "step",
    "method",
    "lesson",
    "columns",
    "netcdf",
    "licence",
    "doi",
)
_HOLDS: Final = {"lesson": "checked", "netcdf": "checked", "first": "data", "last": "data"}


def layout(ctx: Context, language: str, **asked: str) -> Any:
    exports = ctx.exports
    head: list[Any] = [
        html.Div([html.H1(ctx.t(language, "exports.title"))], className="head"),
        html.P(ctx.t(language, "exports.intro")),
    ]
    query = {key: value for key, value in asked.items() if key in Selection.model_fields}
    if exports is None or not exports.installed():
        return parts.page(
            ctx,
            language,
            PATH,
            query,
            *head,
            parts.notice(ctx.t(language, "exports.not_installed_title"), ctx.t(language, "exports.not_installed")),
        )
    if not asker.may(Need.EXPORT):
        link = html.A(
            ctx.t(language, "exports.sign_in_link"),
            href=parts.address("/login", next=parts.address(PATH, **{**query, "lang": language})),
        )
        return parts.page(
            ctx,
            language,
            PATH,
            query,
            *head,
            parts.notice(ctx.t(language, "exports.sign_in_title"), ctx.t(language, "exports.sign_in"), "info"),
            html.P(link),
        )
    return parts.page(
        ctx,
        language,
        PATH,
        query,
        *head,
        _form(ctx, language, asked),
        html.Div(id="export-answer", role="status", **parts.aria(live="polite")),
        html.Section(
            [
                html.H2(ctx.t(language, "exports.yours")),
                html.Div(_table(ctx, language, _mine(exports)), id="export-jobs", **parts.aria(live="polite")),
            ],
            className="group",
        ),
        html.P(ctx.t(language, "exports.by_command"), className="quiet"),
        dcc.Interval(id="export-tick", interval=2_000),
    )


def callbacks(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("export-answer", "children"),
        Input("export-preview", "n_clicks"),
        Input("export-make", "n_clicks"),
        *(State(f"export-{name}", _HOLDS.get(name, "value")) for name in _FIELDS),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def answer(_preview: Any, _make: Any, *given: Any) -> Any:
        *values, search = given
        return await _answer(
            ctx, ctx.language(search), called.triggered_id == "export-make", dict(zip(_FIELDS, values, strict=True))
        )

    @app.callback(
        Output("export-jobs", "children"),
        Input("export-tick", "n_intervals"),
        Input("export-answer", "children"),
        Input({"export": ALL}, "n_clicks"),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def follow(_tick: Any, _answered: Any, clicks: Sequence[int | None], search: str | None) -> Any:
        exports = ctx.exports
        if exports is None or not asker.may(Need.EXPORT):
            return []
        pressed = called.triggered_id
        if isinstance(pressed, Mapping) and any(clicks):
            mine = {one.id for one in _mine(exports)}
            if pressed["export"] in mine:
                await asyncio.to_thread(exports.remove, pressed["export"])
        return _table(ctx, ctx.language(search), await asyncio.to_thread(_mine, exports))


# -- who asks ----------------------------------------------------------------------------------------------------------


def _mine(exports: Exports) -> list[Job]:
    return exports.jobs(asker.principal().who)[:50]


# -- what is wanted ----------------------------------------------------------------------------------------------------


def _form(ctx: Context, language: str, asked: Mapping[str, str]) -> Any:
    today = local_time(ctx.now_ms()).date()
    config = ctx.config()
    rooms = sorted(
        (
            (full, f"{parts.room_name(ctx, language, full)} · {parts.site_name(ctx, language, full)}")
            for full, _ in config.rooms()
        ),
        key=lambda each: parts.name_order(each[1]),
    )
    known = {full for full, _ in rooms}
    chosen = [room for room in asked.get("rooms", "").split(",") if room in known]
    days = {"first": today - timedelta(days=7), "last": today - timedelta(days=1)}
    for key in days:
        with contextlib.suppress(ValueError):
            days[key] = dates.day(asked.get(key, ""))

    def t(key: str) -> str:
        return ctx.t(language, f"exports.{key}")

    def select(name: str, options: Sequence[tuple[str, str]], value: str) -> Any:
        return dmc.Select(
            id=f"export-{name}",
            label=t(name),
            value=value,
            allowDeselect=False,
            data=[{"value": key, "label": label} for key, label in options],
        )

    methods = [
        ("none", t("method_none")),
        ("accepted", t("method_accepted")),
        *((key, key) for key in PUBLISHED if key != "none"),
    ]
    steps = [("reading", t("step_reading")), *((key, ctx.t(language, f"explorer.steps.{key}")) for key in STEP_MS)]
    quantities = [
        {"value": key, "label": f"{ctx.t(language, f'export.quantity.{key}')} ({QUANTITIES[key].unit})"}
        for key in QUANTITIES
    ]
    wanted = [key for key in asked.get("quantities", "pm25").split(",") if key in QUANTITIES]
    return html.Section(
        [
            *(dcc.Store(id=f"export-{key}", data=day.isoformat()) for key, day in days.items()),
            dmc.MultiSelect(
                id="export-rooms",
                label=t("rooms"),
                value=chosen,
                searchable=True,
                data=[{"value": key, "label": label} for key, label in rooms],
            ),
            dmc.MultiSelect(
                id="export-quantities", label=t("quantities"), value=wanted, searchable=True, data=quantities
            ),
            dmc.SimpleGrid(
                [
                    date_field(ctx, language, t("first"), days["first"], store="export-first"),
                    date_field(ctx, language, t("last"), days["last"], store="export-last"),
                    select("step", steps, asked.get("step", "1h") if asked.get("step", "1h") in dict(steps) else "1h"),
                    select(
                        "method",
                        methods,
                        asked.get("method", "none") if asked.get("method") in dict(methods) else "none",
                    ),
                    select(
                        "columns",
                        [
                            ("classair", t("columns_none")),
                            ("openair", "openair (R)"),
                            ("sensortoolkit", "sensortoolkit (US EPA)"),
                            ("openaq", "OpenAQ"),
                        ],
                        "classair",
                    ),
                    dmc.Stack(
                        [
                            dmc.Checkbox(
                                id="export-lesson", label=t("lesson"), checked=asked.get("lesson") in ("1", "true")
                            ),
                            dmc.Checkbox(id="export-netcdf", label=t("netcdf"), checked=False),
                        ],
                        justify="flex-end",
                    ),
                    dmc.TextInput(
                        id="export-licence",
                        label=t("licence"),
                        description=t("licence_default"),
                        styles=_DESCRIPTION,
                        value="",
                        placeholder="CC-BY-4.0",
                    ),
                    dmc.TextInput(
                        id="export-doi",
                        label=t("doi"),
                        description=t("doi_meaning"),
                        styles=_DESCRIPTION,
                        value="",
                        placeholder="10.5281/zenodo.1234567",
                    ),
                ],
                cols={"base": 1, "sm": 2},
            ),
            dmc.Group(
                [
                    dmc.Button(t("preview"), id="export-preview", variant="default"),
                    dmc.Button(t("make"), id="export-make", color="blue.8"),
                ],
                mt="md",
            ),
        ],
        className="panel pad",
    )


async def _answer(ctx: Context, language: str, make: bool, values: dict[str, Any]) -> Any:
    """What the package would be, or that it is being made, or why not."""
    exports, principal = ctx.exports, asker.principal()
    title = ctx.t(language, "exports.refused")
    if exports is None or not asker.may(Need.EXPORT):
        return parts.notice(ctx.t(language, "exports.sign_in_title"), ctx.t(language, "exports.sign_in"))
    if missing := [key for key in ("rooms", "quantities") if not values.get(key)]:
        return parts.notice(title, ctx.t(language, f"exports.choose_{missing[0]}"))
    try:
        request = Request.parse({key: value for key, value in values.items() if value is not None})
        if make:
            await asyncio.to_thread(exports.start, request, principal.who)
            return parts.notice(ctx.t(language, "exports.title"), ctx.t(language, "exports.begun"), "info")
        found = await asyncio.to_thread(exports.preview, request)
    except (SelectionRefused, ExportRefused) as refused:
        return parts.notice(title, str(refused))
    if not found["rows"]:
        return parts.notice(title, ctx.t(language, "export.nothing"), "info")
    gaps = ctx.t(language, "exports.gaps_unknown") if found["gaps"] is None else f"{100 * found['gaps']:.1f}%"
    told = ctx.t(
        language, "exports.about", rows=spoken_rows(language, found["rows"]), size=size(found["bytes"]), gaps=gaps
    )
    return html.Section(
        [
            html.P(html.B(told)),
            *([parts.simulated_mark(ctx, language)] if found["simulated"] else []),
            *([html.P(ctx.t(language, "exports.background"))] if found["background"] else []),
            html.Div(
                html.Table(
                    [
                        html.Thead(html.Tr([html.Th(name, scope="col") for name in found["names"]])),
                        html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in found["sample"]]),
                    ],
                    className="figures",
                ),
                className="scroll",
                tabIndex=0,
                role="region",
                **parts.spoken(ctx.t(language, "exports.preview")),
            ),
        ],
        className="group",
    )


# -- what was asked for ------------------------------------------------------------------------------------------------


def _table(ctx: Context, language: str, jobs: Sequence[Job]) -> Any:
    if not jobs:
        return html.P(ctx.t(language, "exports.none_yet"), className="quiet")
    heads = [html.Th(ctx.t(language, f"exports.head_{key}"), scope="col") for key in ("what", "state", "do")]
    return html.Div(
        html.Table(
            [html.Thead(html.Tr(heads)), html.Tbody([_line(ctx, language, one) for one in jobs])], className="health"
        ),
        className="panel",
    )


def _line(ctx: Context, language: str, one: Job) -> Any:
    chosen = one.request.selection
    what = (
        f"{', '.join(chosen.quantities)} · {chosen.step} · "
        f"{i18n.show_date(chosen.first, language)} – {i18n.show_date(chosen.last, language)}"
    )
    rooms = ", ".join(
        parts.room_name(ctx, language, room) if ctx.config().has_room(room) else room for room in chosen.rooms[:6]
    ) + (" …" if len(chosen.rooms) > 6 else "")
    actions: list[Any] = []
    if one.state == "ready":
        actions.append(
            html.A(
                ctx.t(language, "exports.download", size=size(one.bytes)),
                href=f"/api/v1/exports/{one.id}/package",
                download="",
            )
        )
    word = "cancel" if one.state in OPEN else "remove"
    actions.append(
        dmc.Button(ctx.t(language, f"exports.{word}"), id={"export": one.id}, size="compact-sm", variant="default")
    )
    return html.Tr(
        [
            html.Td([what, html.Small(rooms)], className="part"),
            html.Td(_state(ctx, language, one)),
            html.Td(dmc.Group(actions)),
        ]
    )


def _state(ctx: Context, language: str, one: Job) -> Any:
    rows = spoken_rows(language, one.rows)
    if one.state != "ready":
        return ctx.t(language, f"exports.{one.state}", done=one.done, pieces=one.pieces, rows=rows, why=one.why)
    until = i18n.show_date(local_time((one.ended_at or one.asked_at) + KEEP_MS), language)
    return [
        html.B(ctx.t(language, "export.ready", rows=rows)),
        html.Br(),
        html.Small(
            " · ".join((ctx.t(language, "exports.data_id", id=one.data), ctx.t(language, "exports.kept", day=until)))
        ),
    ]


def spoken_rows(language: str, count: int) -> str:
    """`1.2 million rows`, `1.2 ล้านแถว`; exact below a thousand."""
    if count >= 1_000_000:
        return i18n.t(language, "export.million", n=f"{count / 1e6:,.1f}")
    if count >= 10_000:
        return i18n.t(language, "export.thousand", n=f"{count / 1e3:,.0f}")
    return i18n.t(language, "export.rows", n=f"{count:,}")


def size(count: int) -> str:
    """Bytes as people say them."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:,.1f}\u00a0{unit}"
    return f"{count}\u00a0B"
