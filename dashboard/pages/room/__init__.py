"""One room: how it is now, word for word as on its display, and its days, weeks and months in charts and tables."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.frame import parts, purifiers
from dashboard.frame.date_field import date_field
from dashboard.frame.markup import hole, html, markup, piece
from dashboard.pages.room import estimates, history, now
from dashboard.queries import ranges

PATH = "/room/<room>"
ORDER = 20
TITLE_KEY = "room.title"
NEED = Need.READ
CHARTS = True
USES = ("purifier",)
HISTORY_MS = 30_000
"""How often charts that hold the present are made anew."""


def view(
    ctx: Context, language: str, room: str = "", range: str = "day", date: str = "", reader: Principal = VISITOR
) -> RoomView | Nowhere:
    """With the purifiers' buttons for those who may switch here; who has no right to them is refused when pressing."""
    if not ctx.config().has_room(room):
        return Nowhere(ctx, language, room)
    return RoomView(ctx, language, room, range, date, reader)


def _table(ctx: Context, language: str, asked: Mapping[str, str]) -> str | None:
    """The numbers that a chart draws."""
    room, name = asked.get("room", ""), asked.get("chart", "")
    if not ctx.config().has_room(room) or name not in history.CHARTS:
        return None
    shown = ranges.range_of(asked.get("range", ""), asked.get("date", ""), ctx.now_ms())
    return markup(history.table(ctx, language, room, shown, name))


FRAGMENTS = {"table": _table, "estimates": estimates.told}


class Nowhere:
    """A room that is not there, with the way to those that are."""

    every_s = 60.0
    status = 404

    def __init__(self, ctx: Context, language: str, room: str) -> None:
        self._ctx, self._language, self._room = ctx, language, room

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        content = [
            html.H1(ctx.t(language, "room.not_found")),
            html.P(ctx.t(language, "room.not_found_text", room=self._room), className="reason"),
            html.P(
                html.A(ctx.t(language, "overview.title"), href=parts.address("/", lang=language), className="button")
            ),
        ]
        return {"": html.Div(content, **piece(""))}


def _activities(ctx: Context, language: str, room: str) -> list[Any]:
    """The way to what a class can find out about its air."""
    if ctx.config().room(room).outdoor:
        return []
    href = parts.address(f"/activity/{room}", lang=language)
    return [html.P(html.A(ctx.t(language, "activity.title"), href=href, className="button"))]


class RoomView:
    """The page in pieces: now, the purifiers, and each chart with what it says in words."""

    every_s = 5.0

    def __init__(self, ctx: Context, language: str, room: str, range: str, date: str, reader: Principal) -> None:
        self._ctx, self._language, self._room, self._reader = ctx, language, room, reader
        self._range, self._date = range, date
        self._drawn: dict[str, str] = {}
        self._drawn_at = 0

    def concerns(self, key: str) -> bool:
        return purifiers.concerns(self._ctx, self._room, key)

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, room = self._ctx, self._language, self._room
        if not ctx.config().has_room(room):
            return Nowhere(ctx, language, room).pieces(changed)
        shown, now_ms = ranges.range_of(self._range, self._date, ctx.now_ms()), ctx.now_ms()
        present = shown.holds(now_ms) or shown.holds(now_ms - 3_600_000)
        if not self._drawn or (present and now_ms - self._drawn_at >= HISTORY_MS):
            self._drawn, self._drawn_at = history.pieces(ctx, language, room, shown), now_ms
        control = self._reader.controls(room)
        found = now.pieces(ctx, language, room, control) | self._drawn
        known = [name for name in history.CHARTS if f"chart/{name}" in self._drawn]
        content = [
            _head(ctx, language, room),
            hole("now"),
            *([hole(purifiers.PIECE)] if purifiers.PIECE in found else []),
            _signing_in(ctx, language, room, self._reader),
            _controls(ctx, language, f"/room/{room}", shown),
            hole("away"),
            *(history.section(ctx, language, room, shown, name) for name in known),
            estimates.section(ctx, language, room, shown),
            *_activities(ctx, language, room),
        ]
        found[""] = html.Div(content, className="room", **piece(""))
        return found


def _head(ctx: Context, language: str, room: str) -> Any:
    return html.Div(
        [
            html.Div(
                [
                    html.P(
                        [
                            html.A(ctx.t(language, "overview.title"), href=parts.address("/", lang=language)),
                            " › ",
                            parts.site_name(ctx, language, room),
                        ],
                        className="trail",
                    ),
                    html.H1(parts.room_name(ctx, language, room)),
                ]
            ),
            html.A(
                ctx.t(language, "room.display"),
                href=parts.address(f"/display/{room}", lang=language),
                className="button push",
            ),
        ],
        className="head",
    )


def _signing_in(ctx: Context, language: str, room: str, reader: Principal) -> Any:
    """The way to the buttons for those who are not signed in."""
    if reader.signed_in or not ctx.config().purifiers_in(room):
        return None
    here = parts.address(f"/room/{room}", lang=language)
    return html.P(
        html.A(ctx.t(language, "switching.sign_in"), href=parts.address("/login", next=here, lang=language)),
        className="purifiers-sign-in",
    )


# -- which time is shown -----------------------------------------------------------------------------------------------


def _controls(ctx: Context, language: str, path: str, shown: ranges.Range) -> Any:
    """Everything here is a link: the address says what is shown."""

    def link(target: ranges.Range | None, word: str, name: str, css: str) -> Any:
        if target is None:
            return html.Span(word, className=css, **parts.aria(disabled="true"))
        return html.A(
            word, href=parts.address(path, range=name, date=target.first.isoformat(), lang=language), className=css
        )

    now_ms = ctx.now_ms()
    today = ranges.range_of("day", "", now_ms).first
    following, current = shown.following(), ranges.around(shown.name, today)
    word = {"day": "room.today", "week": "room.this_week", "month": "room.this_month"}[shown.name]
    here = today if shown.holds(now_ms) else shown.first
    return html.Div(
        [
            html.H2(ctx.t(language, "room.history")),
            html.Nav(
                [
                    link(
                        ranges.around(name, here),
                        ctx.t(language, f"room.{name}"),
                        name,
                        "here" if name == shown.name else "",
                    )
                    for name in ranges.RANGES
                ],
                className="ranges",
                **parts.spoken(ctx.t(language, "room.range")),
            ),
            html.Div(
                [
                    link(shown.previous(), f"‹ {ctx.t(language, 'room.previous')}", shown.name, "button"),
                    html.Span(shown.title(language), className="shown-date"),
                    link(
                        following if following.start_ms <= now_ms else None,
                        f"{ctx.t(language, 'room.next')} ›",
                        shown.name,
                        "button",
                    ),
                    *([] if shown.holds(now_ms) else [link(current, ctx.t(language, word), shown.name, "button")]),
                ],
                className="steps",
            ),
            date_field(
                ctx,
                language,
                ctx.t(language, "room.jump"),
                shown.first,
                path=path,
                search=f"range={shown.name}&lang={language}",
                last=today.isoformat(),
            ),
        ],
        className="controls",
    )
