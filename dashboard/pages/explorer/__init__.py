"""The explorer: find, judge, compare and take away what was measured; its address says everything that it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import dash
from dash import Input, Output, State, dcc, html

from classair import i18n
from classair.timetable import local_time
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame import fields, parts
from dashboard.pages.explorer import charts as charts
from dashboard.pages.explorer import events as events
from dashboard.pages.explorer import form as forms
from dashboard.pages.explorer import summaries as sums
from dashboard.pages.explorer import table as tables
from dashboard.pages.explorer import view as views
from dashboard.queries.rooms import RangeRefused, StoreUnavailable
from research.selection import SelectionRefused

PATH = forms.PATH
ORDER = 40
TITLE_KEY = "explorer.title"
NEED = Need.READ


def layout(ctx: Context, language: str, **asked: str) -> Any:
    rooms = forms.known_rooms(ctx)
    # The page's other language shows the same, whatever is in the address, right or wrong.
    query = {key: value for key, value in asked.items() if isinstance(value, str)}
    try:
        view = _view(ctx, rooms, asked)
    except SelectionRefused as refused:
        default = _view(ctx, rooms, {})
        return parts.page(
            ctx,
            language,
            PATH,
            query,
            _head(ctx, language),
            _refused(ctx, language, refused),
            forms.form(ctx, language, default, rooms, asked=query, faults=_words(ctx, language, refused)),
        )
    look = charts.Looking(ctx, language, view, ctx.now_ms())
    return parts.page(
        ctx, language, PATH, query, _head(ctx, language), forms.form(ctx, language, view, rooms), *_shown(look)
    )


def _words(ctx: Context, language: str, refused: SelectionRefused) -> dict[str, str]:
    return fields.faults_of(ctx, language, refused, most=views.MAX_ROOMS)


def _refused(ctx: Context, language: str, refused: SelectionRefused) -> Any:
    """What the address asks for that means nothing, in the reader's words."""
    return parts.notice(ctx.t(language, "explorer.refused"), " · ".join(_words(ctx, language, refused).values()))


def _head(ctx: Context, language: str) -> Any:
    return html.Div(
        [html.H1(ctx.t(language, TITLE_KEY)), html.P(ctx.t(language, "explorer.lead"), className="when")],
        className="head",
    )


def _view(ctx: Context, rooms: list[str], asked: Mapping[str, str]) -> views.View:
    today = local_time(ctx.now_ms()).date()
    return views.asked(asked, rooms, forms.default_rooms(ctx, rooms), today)


def _shown(look: charts.Looking) -> list[Any]:
    """The lines at once; whatever needs every hour comes after them, into places that are kept for it."""
    try:
        rows = look.ctx.research.by_room(look.with_yards(look.view.drawn))
        second = charts.second_rows(look)
        noted = events.of(look)
        if not any(
            row.value is not None or row.bad
            for room in look.view.selection.rooms
            for quantity in look.view.selection.quantities
            for row in rows.get((room, quantity), [])
        ):
            return [_begun(look, rows) or _nothing(look), events.section(look, noted)]
        lines, taken = charts.series(look, rows, noted, second), tables.this_view_as(look)
    except SelectionRefused as refused:
        return [_refused(look.ctx, look.language, refused)]
    except RangeRefused:
        return [parts.notice(look.say("refused"), look.say("too_much"))]
    except StoreUnavailable:
        return [_away(look)]
    waiting = html.P(look.say("working"), className="quiet waiting", role="status")
    return [
        html.Div(waiting, id="explorer-known"),
        *lines,
        html.Div(id="explorer-beside"),
        taken,
        events.section(look, noted),
        dcc.Store(
            id="explorer-view", data={"query": look.view.query(), "auto": look.view.auto, "language": look.language}
        ),
    ]


def _begun(look: charts.Looking, rows: charts.Rows) -> Any | None:
    """Said of a school that has only just begun: there are data, and no interval of them is complete yet."""
    begun = min((row.start_ms for one in rows.values() for row in one if row.n), default=None)
    if begun is None:
        return None
    when = parts.moment(begun, look.now_ms, look.language)
    step = forms.step_name(look.ctx, look.language, look.view.drawn.step)
    return parts.notice(look.say("begun", when=when), look.say("begun_text", step=step), "info")


def _nothing(look: charts.Looking) -> Any:
    return parts.notice(look.say("nothing"), look.say("nothing_text"), "info")


def _away(look: charts.Looking) -> Any:
    return parts.notice(look.ctx.t(look.language, "pages.store_away"), look.say("store_away_text"))


def _again(ctx: Context, kept: Any) -> charts.Looking | None:
    """What a browser says it is looking at, read as if a stranger had written it."""
    if not isinstance(kept, dict) or not all(isinstance(kept.get(key), str) for key in ("query", "language")):
        return None
    try:
        view = _view(ctx, forms.known_rooms(ctx), dict(parse_qsl(kept["query"])))
    except SelectionRefused:
        return None
    language = kept["language"] if kept["language"] in i18n.LANGUAGES else ctx.config().language
    return charts.Looking(ctx, language, view, ctx.now_ms())


def _by_hours(ctx: Context, kept: Any) -> tuple[Any, Any]:
    look = _again(ctx, kept)
    if look is None:
        return dash.no_update, dash.no_update
    view = look.view
    try:
        if view.too_many_hours:
            return sums.strip(look, ctx.research.by_room(view.strip)), [
                parts.notice(look.say("too_many_hours"), look.say("too_many_hours_text"), "info")
            ]
        hours = ctx.research.by_room(look.with_yards(view.hourly))
        known = hours if view.strip.step == "1h" else ctx.research.by_room(view.strip)
        # Levels of the means that are drawn, where those are of an hour or less.
        fine = (view.drawn if view.drawn.step_ms <= view.hourly.step_ms else view.hourly).model_copy(
            update={"quantities": tuple(key for key in view.selection.quantities if key == "pm25")}
        )
        levels = ctx.research.by_room(fine)
        second = (
            {}
            if view.second is None
            else ctx.research.by_room(view.second.model_copy(update={"quantities": view.hourly.quantities}))
        )
    except StoreUnavailable:
        return _away(look), []
    except SelectionRefused as refused:
        return _refused(ctx, look.language, refused), []
    except RangeRefused:
        return parts.notice(look.say("refused"), look.say("too_much")), []
    beside = [sums.shares(look, fine, levels), sums.week(look, hours), sums.scatter(look, hours)]
    compared = sums.comparison(look, hours, second)
    return sums.strip(look, known), [
        *([compared] if compared is not None else []),
        html.Div([one for one in beside if one is not None], className="beside"),
    ]


def callbacks(app: dash.Dash, ctx: Context) -> None:
    @app.callback(
        Output("explorer-known", "children"),
        Output("explorer-beside", "children"),
        Input("explorer-view", "data"),
    )
    async def by_hours(kept: Any) -> tuple[Any, Any]:
        return await asyncio.to_thread(_by_hours, ctx, kept)

    @app.callback(
        Output("at", "search"),
        Input("explorer-show", "n_clicks"),
        *(State(f"explorer-{key}", "checked" if key == "lesson" else "value") for key in forms.FIELDS),
        *(State(f"explorer-{key}", "data") for key in forms.DATES),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def show(clicks: int | None, *said: Any) -> Any:
        if not clicks:
            return dash.no_update
        here = dict(parse_qsl(str(said[-1] or "").lstrip("?")))
        values = dict(zip((*forms.FIELDS, *forms.DATES), said[:-1], strict=True))
        return forms.searched(values, here.get("lang", ctx.config().language))

    @app.callback(
        Output("explorer-rooms", "data"),
        Output("explorer-rooms", "value"),
        Input("explorer-site", "value"),
        State("explorer-rooms", "value"),
        State("at", "search"),
        prevent_initial_call=True,
    )
    async def of_school(site: Any, chosen: Any, search: Any) -> Any:
        rooms = await asyncio.to_thread(forms.known_rooms, ctx)
        language = dict(parse_qsl(str(search or "").lstrip("?"))).get("lang", ctx.config().language)
        site = site if isinstance(site, str) else ""
        inside = [room for room in rooms if site == "" or room.startswith(f"{site}.")]
        kept = [room for room in chosen or [] if room in inside]
        first = [room for room in inside if ctx.config().has_room(room) and not ctx.config().room(room).outdoor]
        return forms.room_options(ctx, language, rooms, site), kept or (first or inside)[:8]

    @app.callback(
        Output("explorer-table", "children"),
        Input("explorer-more", "n_clicks"),
        State("explorer-view", "data"),
        prevent_initial_call=True,
    )
    async def fill_table(clicks: int | None, kept: Any) -> Any:
        look = _again(ctx, kept)
        if not clicks or look is None:
            return dash.no_update
        try:
            rows = await asyncio.to_thread(ctx.research.by_room, look.view.selection)
        except (StoreUnavailable, RangeRefused) as away:
            known = isinstance(away, StoreUnavailable)
            return _away(look) if known else parts.notice(look.say("refused"), look.say("too_much"))
        return tables.table(look, rows)

    @app.callback(
        Output("explorer-download", "data"),
        Output("explorer-form-says", "children"),
        Input("explorer-csv", "n_clicks"),
        State("explorer-view", "data"),
        prevent_initial_call=True,
    )
    async def take(clicks: int | None, kept: Any) -> Any:
        look = _again(ctx, kept)
        if not clicks or look is None:
            return dash.no_update, dash.no_update
        try:
            text = await asyncio.to_thread(ctx.research.as_csv, look.view.selection)
        except StoreUnavailable:
            return dash.no_update, look.say("store_away_text")
        except RangeRefused:
            return dash.no_update, look.say("too_much")
        except ImportError:
            return dash.no_update, ctx.t(look.language, "wish.refused.not_installed")
        return {
            "content": text,
            "filename": f"classair-{look.view.selection.id}.csv",
            "base64": False,
            "type": "text/csv;charset=utf-8",
        }, ""
