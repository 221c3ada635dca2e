"""What the working pages are built of: the frame with the bar on top, names and their order, times in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html

from classair import i18n
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.context import Context
from dashboard.figures import Words
from dashboard.frame import account, asker
from dashboard.live.ages import state_as_of
from dashboard.live.alert_count import OLD_MS, count_of


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
            html.Div(list(content), id="content", className="content", tabIndex=-1),
            html.Footer(ctx.t(language, "pages.footer"), className="foot"),
        ],
        className="working",
    )


def clock(ctx: Context, language: str) -> Any:
    """What a live page's script needs to count ages: the server's time, and the words."""
    words = json.dumps(_age_templates(ctx, language))
    return html.Span(id="clock", hidden=True, **data(now=str(ctx.now_ms()), words=words))


def _bar(ctx: Context, language: str, path: str, query: Mapping[str, str]) -> Any:
    links = [
        link(
            ctx,
            ctx.t(language, known.title_key),
            address(known.path, lang=language),
            className="nav-link here" if _here(known.path, path) else "nav-link",
        )
        for known in ctx.pages
        if known.in_menu and asker.may(known.need)
    ]
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
    return html.Header(
        [
            link(ctx, [html.Span(className="mark"), "ClassAir"], address("/", lang=language), className="brand"),
            html.Nav(links, className="nav", **spoken(ctx.t(language, "pages.navigation"))),
            _alert_count(ctx, language),
            *([simulated_mark(ctx, language)] if simulated else []),
            html.Nav(switch, className="languages", **spoken(ctx.t(language, "pages.languages"))),
            account.menu(ctx, language, address(path, **{**query, "lang": language})),
        ],
        className="bar",
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
    return dmc.Alert(
        text, title=title, color="orange" if kind == "warning" else "blue", variant="light", className=f"notice {kind}"
    )


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

    `form` is a key of pages.age. What is left is counted up to whole minutes, and in seconds in the last one.
    """
    if form == "left":
        left = at_ms - ctx.now_ms()
        if left <= 0:
            return ctx.t(language, "pages.age.over")
        if left < MINUTE_MS:
            return ctx.t(language, "pages.age.left", age=ctx.t(language, "pages.age.seconds", n=-(-left // 1000)))
        return ctx.t(language, "pages.age.left", age=duration(ctx, language, left + MINUTE_MS - 1))
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


def state_of(ctx: Context, room: str) -> RoomState | None:
    """The room's state as it stands at this moment; None while nobody has spoken of it, shown as unknown."""
    state = ctx.live.state(room)
    return None if state is None else state_as_of(state, ctx.now_ms())


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
