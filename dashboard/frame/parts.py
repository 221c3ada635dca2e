"""What the working pages are built of: the bar on top, a level's panel, an age that goes on counting, sorting of names.

Numbers, levels and texts come from the room's state as it is; nothing here works out a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html

from classair import i18n
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import Current, PurifierState, RoomState
from dashboard.context import Context
from dashboard.figures import Words
from dashboard.frame import asker
from dashboard.live.ages import current_as_of, phase_of, state_as_of

LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
WINDOWS: Final[Mapping[str, str]] = {
    "fresh": "open",
    "stuffy_soon": "ajar",
    "stuffy": "closed",
    "very_stuffy": "alert",
    "unknown": "unknown",
}


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
            html.Span(
                id="clock", hidden=True, **data(now=str(ctx.now_ms()), words=json.dumps(_age_templates(ctx, language)))
            ),
            html.Div(list(content), id="content", className="content", tabIndex=-1),
            html.Footer(ctx.t(language, "pages.footer"), className="foot"),
        ],
        className="working",
    )


def _bar(ctx: Context, language: str, path: str, query: Mapping[str, str]) -> Any:
    links = [
        dcc.Link(
            ctx.t(language, known.title_key),
            href=address(known.path, lang=language),
            className="nav-link here" if _here(known.path, path) else "nav-link",
        )
        for known in ctx.pages
        if known.in_menu and asker.may(known.need)
    ]
    config = ctx.config()
    simulated = any(config.site_simulated(site) for site in config.sites)
    switch = [
        dcc.Link(
            html.Span(i18n.head(code).name, lang=code),
            href=address(path, **{**query, "lang": code}),
            className="language here" if code == language else "language",
        )
        for code in i18n.LANGUAGES
    ]
    return html.Header(
        [
            dcc.Link([html.Span(className="mark"), "ClassAir"], href=address("/", lang=language), className="brand"),
            html.Nav(links, className="nav", **spoken(ctx.t(language, "pages.navigation"))),
            *([simulated_mark(ctx, language)] if simulated else []),
            html.Nav(switch, className="languages", **spoken(ctx.t(language, "pages.languages"))),
        ],
        className="bar",
    )


def _here(known: str, path: str) -> bool:
    return (path.rstrip("/") or "/") == known


def address(path: str, **query: str | None) -> str:
    """A link whose query says everything that the view shows."""
    said = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(said)}" if said else path


def simulated_mark(ctx: Context, language: str) -> Any:
    return html.Span(ctx.t(language, "word.simulated"), className="simulated")


def notice(title: str, text: str, kind: Literal["warning", "info"] = "warning") -> Any:
    """A plain message inside a page: something is away or not there."""
    return dmc.Alert(
        text, title=title, color="orange" if kind == "warning" else "blue", variant="light", className=f"notice {kind}"
    )


def chart_words(ctx: Context, language: str) -> Words:
    keys = ("no_data", "indoor", "outdoor", "purifier", "on", "off", "not_known")
    return Words(language, **{key: ctx.t(language, f"pages.chart.{key}") for key in keys})


def phrases(text: str) -> list[Any]:
    """A text whose ‹phrases› are not broken across lines."""
    parts = re.split(r"‹([^›]*)›", text)
    return [html.Span(part, className="nowrap") if index % 2 else part for index, part in enumerate(parts) if part]


# -- ages --------------------------------------------------------------------------------------------------------------


def _age_templates(ctx: Context, language: str) -> dict[str, str]:
    keys = ("moment", "minutes", "hours", "days", "ago", "measured", "late", "since", "for", "silent")
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


def age(ctx: Context, language: str, at_ms: int, form: str, **attributes: Any) -> Any:
    """A time since `at_ms` that goes on counting in the browser; `form` is a key of pages.age."""
    text = ctx.t(language, f"pages.age.{form}", age=duration(ctx, language, ctx.now_ms() - at_ms))
    return html.Span(text, **data(age=form, at=str(at_ms)), **attributes)


def moment(at_ms: int, now_ms: int, language: str) -> str:
    """A moment as short as it can be said: the time today, with the date on other days."""
    at, now = local_time(at_ms), local_time(now_ms)
    return i18n.show_date(at, language, "time" if at.date() == now.date() else "day_time")


# -- the room's state --------------------------------------------------------------------------------------------------


def phase_marks(current: Current, now_ms: int) -> dict[str, Any]:
    """Attributes by which the page's script takes a value from ok to late to unknown without asking the server."""
    marks = data(phase=phase_of(current_as_of(current, now_ms)))
    if marks["data-phase"] != "unknown":
        marks |= {
            f"data-{name}-at": str(at)
            for name, at in (("late", current.late_at), ("unknown", current.unknown_at))
            if at is not None
        }
    return marks


def level_word(ctx: Context, language: str, level: str) -> str:
    return ctx.t(language, f"level.{level}" if level in LEVELS else "level.unknown")


def bars(ctx: Context, language: str, level: str) -> Any:
    """n of five small bars; none are filled while the level is unknown."""
    filled = LEVELS.index(level) + 1 if level in LEVELS else 0
    return html.Span(
        [html.I(className="full" if i < filled else "") for i in range(5)],
        className="bars",
        role="img",
        **spoken(ctx.t(language, "pages.bars", n=filled) if filled else ctx.t(language, "level.unknown")),
    )


def face(level: str) -> Any:
    """The level's face; the word beside it says the same, so it is silent for screen readers."""
    return html.Img(src=f"/assets/page-face-{level if level in LEVELS else 'unknown'}.svg", alt="", className="face")


def window(level: str) -> Any:
    return html.Img(src=f"/assets/page-window-{WINDOWS.get(level, 'unknown')}.svg", alt="", className="window")


def number(ctx: Context, language: str, current: Current, unit: str) -> Any:
    """The number as every screen writes it, with its unit spelled out for screen readers."""
    return html.Span(
        [
            html.B(current.shown or "–"),
            html.Span(
                f"\u00a0{ctx.t(language, f'unit.{unit}')}",
                className="unit",
                **spoken(ctx.t(language, f"pages.spoken.{unit}")),
            ),
        ],
        className="number",
    )


def unknown_reason(ctx: Context, language: str, current: Current) -> str:
    """Why there is no current value, as far as the state knows."""
    if current.status == "filling" and current.minutes_left is not None:
        return ctx.t(language, "pages.filling", n=current.minutes_left)
    if current.status == "warming_up" and current.minutes_left is not None:
        return ctx.t(language, "pages.warming_up", n=current.minutes_left)
    if current.status == "none":
        return ctx.t(language, "pages.no_sensor")
    return ctx.t(language, "pages.not_current")


def last_value(ctx: Context, language: str, current: Current) -> str:
    """What was measured last and when; empty when nothing ever was."""
    shown, at = current.last_shown or current.shown, current.last_at or current.newest_at
    if not shown or at is None:
        return ""
    return ctx.t(language, "pages.last_value", value=shown, time=moment(at, ctx.now_ms(), language))


def ventilation(ctx: Context, language: str, co2: Current) -> Any:
    """CO2 with its word and window, greyed out by age like everything else."""
    level = current_as_of(co2, ctx.now_ms()).level
    known = html.Span(
        [
            window(level),
            html.B(co2.shown),
            f"\u00a0{ctx.t(language, 'unit.ppm')} ",
            ctx.t(language, f"ventilation.{level}"),
        ],
        className="if-known",
    )
    missing = html.Span(
        [
            window("unknown"),
            ctx.t(language, "pages.no_sensor") if co2.status == "none" else ctx.t(language, "ventilation.unknown"),
        ],
        className="if-unknown",
    )
    return html.Span([known, missing], className="phased", **phase_marks(co2, ctx.now_ms()))


def purifier_word(ctx: Context, language: str, unit: PurifierState | None) -> Any:
    """On, off or unknown, since when, and who decided; a room may have none."""
    if unit is None:
        return html.Span(ctx.t(language, "pages.purifier.none"), className="quiet")
    key = "unknown" if unit.on is None else "on" if unit.on else "off"
    decided = (
        [html.Span(f" · {ctx.t(language, f'pages.purifier.mode.{unit.mode}')}", className="quiet")]
        if unit.mode in ("person", "fail_safe")
        else []
    )
    return html.Span(
        [
            html.I(className=f"lamp {key}"),
            html.Span(ctx.t(language, f"pages.purifier.{key}")),
            " ",
            age(ctx, language, unit.since, "for", className="quiet"),
            *decided,
        ],
        className="purifier",
    )


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
