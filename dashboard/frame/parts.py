"""What the working pages are built of: the frame with the bar on top, names and their order, times in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode

from dash import dcc, html

from classair import i18n
from classair.config import Config, Site
from classair.model import QUANTITIES
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.context import Context
from dashboard.figures import Limit, Words
from dashboard.frame import account, asker
from dashboard.live.ages import state_as_of
from dashboard.live.alert_count import OLD_MS, count_of

MENU_FIRST: Final = 4
"""So many entries of the menu stand in the bar itself where it is wide; all others, and all on narrow screens, fold."""


def data(**attributes: str) -> dict[str, Any]:
    """data-… attributes, in the form that Dash components take them: data(late_at="…") is data-late-at."""
    return {f"data-{name.replace('_', '-')}": value for name, value in attributes.items()}


def aria(**attributes: str) -> dict[str, Any]:
    """aria-… attributes: aria(live="polite") is aria-live."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def spoken(label: str) -> dict[str, Any]:
    """What a screen reader says instead of what is drawn."""
    return aria(label=label)


# -- the frame of a page -----------------------------------------------------------------------------------------------


def page(ctx: Context, language: str, path: str, query: Mapping[str, str], *content: Any) -> Any:
    """The bar with navigation and languages above a page's content, and what the clock in the browser needs."""
    return html.Div(
        [
            html.A(ctx.t(language, "pages.skip"), href="#content", className="skip"),
            _bar(ctx, language, path, query),
            html.Div(
                ctx.t(language, "pages.away"), id="server-away", className="server-away", hidden=True, role="status"
            ),
            clock(ctx, language),
            html.Span(
                id="refusals", hidden=True, **data(words=json.dumps(_refusals(ctx, language), ensure_ascii=False))
            ),
            html.Div(list(content), id="content", className="content", tabIndex=-1),
            html.Footer(ctx.t(language, "pages.footer"), className="foot"),
        ],
        className="working",
    )


def clock(ctx: Context, language: str) -> Any:
    """What a live page's script needs to count ages: the server's time, and the words."""
    words = json.dumps(_age_templates(ctx, language))
    return html.Span(id="clock", hidden=True, **data(now=str(ctx.now_ms()), words=words))


def _refusals(ctx: Context, language: str) -> dict[str, str]:
    """Why the server may refuse what somebody sends; page-acting.js says it."""
    keys = ("invalid", "empty", "gone", "changed", "too_often")
    return {key: ctx.t(language, f"refusal.{key}") for key in keys} | {
        "other": ctx.t(language, "refusal.other", code="{code}")
    }


def _bar(ctx: Context, language: str, path: str, query: Mapping[str, str]) -> Any:
    config = ctx.config()
    simulated = any(config.site_simulated(site) for site in config.sites)
    switch = [
        link(
            ctx,
            html.Span(i18n.head(code).name, lang=code),
            address(path, **{**query, "lang": code}),
            className="language here" if code == language else "language",
        )
        for code in i18n.LANGUAGES
    ]
    # Which of the two is offered is for the style sheet: only it knows what the device shows.
    looks = [
        html.A(
            [html.I(className="theme-mark"), ctx.t(language, f"pages.theme.{theme}")],
            href=address(path, **{**query, "lang": language, "theme": theme}),
            className=f"theme to-{theme}",
        )
        for theme in ("dark", "light")
    ]
    return html.Header(
        [
            link(ctx, [html.Span(className="mark"), "ClassAir"], address("/", lang=language), className="brand"),
            _menu(ctx, language, path),
            _alert_count(ctx, language),
            *([simulated_mark(ctx, language)] if simulated else []),
            html.Div(looks, className="themes"),
            html.Nav(switch, className="languages", **spoken(ctx.t(language, "pages.languages"))),
            account.menu(ctx, language, address(path, **{**query, "lang": language})),
        ],
        className="bar",
    )


def _menu(ctx: Context, language: str, path: str) -> Any:
    """The first entries, and a menu that folds: of the others, and on narrow screens of all. It needs no script."""
    known = [page for page in ctx.pages if page.in_menu and asker.may(page.need)]

    def entry(page: Any, css: str) -> Any:
        here = _here(page.path, path)
        return link(
            ctx,
            html.Span(ctx.t(language, page.title_key), **(aria(current="page") if here else {})),
            address(page.path, lang=language),
            className=f"nav-link {css}{' here' if here else ''}",
        )

    folded = [entry(page, "also" if place < MENU_FIRST else "") for place, page in enumerate(known)]
    inside = next((page for page in known[MENU_FIRST:] if _here(page.path, path)), None)
    return html.Nav(
        [
            html.Div([entry(page, "") for page in known[:MENU_FIRST]], className="nav-first"),
            html.Details(
                [
                    html.Summary(
                        [
                            html.Span(ctx.t(language, "pages.menu"), className="narrow"),
                            html.Span(ctx.t(language, "pages.more"), className="wide"),
                        ],
                        className="nav-link here" if inside else "nav-link",
                    ),
                    html.Div(folded, className="menu-list"),
                ],
                className="menu" if len(known) > MENU_FIRST else "menu few",
            ),
        ],
        className="nav",
        **spoken(ctx.t(language, "pages.navigation")),
    )


def _alert_count(ctx: Context, language: str) -> Any:
    """How many alerts wait for somebody, as of now; the page's script keeps it so. Nothing is shown for none."""
    count = count_of(ctx.live.services().get("alerts"))
    known = count.as_of(ctx.now_ms())
    texts = {key: ctx.t(language, f"pages.alerts.{key}") for key in ("some", "one", "unknown", "spoken", "spoken_one")}
    state = "unknown" if known is None else "some" if known else "none"
    shown = {"unknown": texts["unknown"], "none": "", "some": texts["one" if known == 1 else "some"].format(n=known)}
    said = texts["spoken_one" if known == 1 else "spoken"].format(n=known) if known else shown[state]
    return html.Div(
        link(
            ctx,
            html.Span(shown[state]),
            address("/alerts", lang=language),
            id="alert-count",
            className="alert-count",
            hidden=state == "none",
            **data(
                state=state,
                count="" if known is None else str(known),
                at=str(count.at),
                old=str(OLD_MS),
                words=json.dumps(texts, ensure_ascii=False),
            ),
            **(spoken(said) if said else {}),
        ),
        role="status",
        className="alert-count-place",
    )


def _here(known: str, path: str) -> bool:
    return (path.rstrip("/") or "/") == known


def address(path: str, **query: str | None) -> str:
    """A link whose query says everything that the view shows."""
    said = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(said)}" if said else path


def link(ctx: Context, content: Any, href: str, **attributes: Any) -> Any:
    """A link between working pages: inside Dash without loading anew, to a light page as everywhere in the web."""
    path = href.partition("?")[0]
    light = any(page.light and page.match(path) is not None for page in ctx.pages)
    return (html.A if light else dcc.Link)(content, href=href, **attributes)


def simulated_mark(ctx: Context, language: str) -> Any:
    return html.Span(ctx.t(language, "word.simulated"), className="simulated")


def live_view(name: str, language: str, **places: str) -> Any:
    """The place of a page's live view; the page's script fills it from the stream and keeps it up to date."""
    return html.Div(id=f"{name}-live", **data(stream=address(f"/live/{name}", lang=language, **places)))


def notice(title: str, text: str, kind: Literal["warning", "info"] = "warning") -> Any:
    """A plain message inside a page: something is away or not there."""
    return html.Div([html.B(title), html.Div(text)], className=f"panel notice {kind}", role="alert")


def chart(name: str, figure: Mapping[str, Any], config: Mapping[str, Any], css: str, title: str) -> Any:
    """The place of a chart on a light page; page-charts.js draws it. `css`: the class that gives its height. `title`:
    the id of its heading."""
    told = json.dumps({"figure": figure, "config": config}, ensure_ascii=False, separators=(",", ":"))
    return html.Div(
        html.Div(className="plot-drawn", **data(own="")),
        id=name,
        className=f"plot {css}",
        role="img",
        **aria(labelledby=title),
        **data(figure=told),
    )


def limit_key(limits: Iterable[Limit], figure: Mapping[str, Any]) -> list[Any]:
    """The lines across a chart with their whole names, which have no room beside it."""
    drawn = set(figure["layout"]["meta"].get("limits", ()))
    shown = sorted((limit for limit in limits if limit.at in drawn), key=lambda limit: -limit.at)
    rows = [html.Li([html.I(className="dash", **data(level=limit.key)), html.Span(limit.label)]) for limit in shown]
    return [html.Ul(rows, className="limits")] if rows else []


def fetched(page: str, name: str, language: str, when: Literal["open", "press"], **asked: str) -> Any:
    """The place of a page's fragment, filled when the <details> around it opens or a button beside it is pressed."""
    return html.Div(
        className="fetched",
        **data(fetch=address(f"/live/{page}/{name}", lang=language, **asked), when=when, own=""),
        **aria(live="polite"),
    )


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A query as a form sends it: what is said several times is one list with commas."""
    found: dict[str, str] = {}
    for key, value in pairs:
        found[key] = f"{found[key]},{value}" if found.get(key) and value else value or found.get(key, "")
    return found


def chart_words(ctx: Context, language: str) -> Words:
    keys = ("no_data", "indoor", "outdoor", "purifier", "on", "off", "not_known")
    return Words(language, **{key: ctx.t(language, f"pages.chart.{key}") for key in keys})


# -- ages --------------------------------------------------------------------------------------------------------------


def _age_templates(ctx: Context, language: str) -> dict[str, str]:
    keys = (
        "moment",
        "minutes",
        "hours",
        "days",
        "ago",
        "measured",
        "late",
        "since",
        "for",
        "silent",
        "left",
        "seconds",
        "over",
    )
    return {key: ctx.t(language, f"pages.age.{key}") for key in keys}


def duration(ctx: Context, language: str, ms: int) -> str:
    """How long in words, to the minute; the page's script words it in the same way."""
    minutes = max(0, ms) // MINUTE_MS
    if minutes < 1:
        return ctx.t(language, "pages.age.moment")
    if minutes < 60:
        return ctx.t(language, "pages.age.minutes", n=minutes)
    if minutes < 24 * 60:
        return ctx.t(language, "pages.age.hours", n=minutes // 60, m=minutes % 60)
    return ctx.t(language, "pages.age.days", n=minutes // (24 * 60), h=minutes // 60 % 24)


def age_words(ctx: Context, language: str, form: str, at_ms: int) -> str:
    """How long ago `at_ms` is at this moment, or with the form `left` how long it is until then.

    `form` is a key of pages.age, or `count` for the number of whole minutes alone. What is left is counted up to whole
    minutes, and in seconds in the last one.
    """
    if form == "left":
        left = at_ms - ctx.now_ms()
        if left <= 0:
            return ctx.t(language, "pages.age.over")
        if left < MINUTE_MS:
            return ctx.t(language, "pages.age.left", age=ctx.t(language, "pages.age.seconds", n=-(-left // 1000)))
        return ctx.t(language, "pages.age.left", age=duration(ctx, language, left + MINUTE_MS - 1))
    if form == "count":
        return str(max(0, ctx.now_ms() - at_ms) // MINUTE_MS)
    return ctx.t(language, f"pages.age.{form}", age=duration(ctx, language, ctx.now_ms() - at_ms))


def moment(at_ms: int, now_ms: int, language: str) -> str:
    """A moment as short as it can be said: the time today, with the date on other days."""
    at, now = local_time(at_ms), local_time(now_ms)
    return i18n.show_date(at, language, "time" if at.date() == now.date() else "day_time")


# -- rooms ------------------------------------------------------------------------------------------------------------


def room_name(ctx: Context, language: str, room: str) -> str:
    return ctx.config().room(room).name.in_(language)


def site_name(ctx: Context, language: str, room: str) -> str:
    return ctx.config().sites[room.partition(".")[0]].name.in_(language)


def rooms_in_order(config: Config, language: str, rooms: Iterable[str]) -> list[str]:
    """As people look for them: by the school's name, then by the room's."""

    def order(room: str) -> tuple[Any, ...]:
        school = config.sites[room.partition(".")[0]].name.in_(language)
        return name_order(school), name_order(config.room(room).name.in_(language))

    return sorted(rooms, key=order)


def sites_in_order(config: Config, language: str) -> list[tuple[str, Site]]:
    return sorted(config.sites.items(), key=lambda one: name_order(one[1].name.in_(language)))


def state_of(ctx: Context, room: str) -> RoomState | None:
    """The room's state as it stands at this moment; None while nobody has spoken of it, shown as unknown."""
    state = ctx.live.state(room)
    return None if state is None else state_as_of(state, ctx.now_ms())


def unit_name(ctx: Context, language: str, key: str) -> str:
    """The unit of a quantity as the reader's language writes it."""
    unit = QUANTITIES[key].unit
    return ctx.t(language, "unit.ugm3") if unit == "µg/m³" else unit


# -- order -------------------------------------------------------------------------------------------------------------

_LEADING_VOWEL = re.compile("([เแโใไ])([ก-ฮ])")
_MARKS = re.compile("[็-๎]")


def name_order(name: str) -> tuple[Any, ...]:
    """Sorts names as people do: numbers by value, Thai by consonant before the vowel that is written before it."""
    turned = _LEADING_VOWEL.sub(r"\2\1", name.casefold())
    plain = _MARKS.sub("", turned)
    parts = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", plain) if part
    )
    return (parts, name)
