"""The rooms of an episode's schools as they are now: seats against pupils, then every room, exceptions first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classair.science.clean_rooms import NEEDS_PLACE_ABOVE_UGM3, SEVERE_ABOVE_UGM3, RoomNow
from classair.wire import RoomState
from dashboard.context import Context
from dashboard.episodes.now import SchoolNow
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.lives import of_room


def seats(ctx: Context, language: str, known: Sequence[SchoolNow], now: int) -> str:
    """Pupils who need a place and free seats, together and by school; what is not known stands apart."""
    total = {
        name: sum(getattr(school.seats, name) for school in known)
        for name in ("need", "severe", "free", "lacking", "need_unknown", "unknown_seats")
    }
    facts = [
        ("need", total["need"], _n(ctx, language, "severe", total["severe"])),
        ("free", total["free"], _n(ctx, language, "unknown_seats", total["unknown_seats"])),
        ("lacking", total["lacking"], ""),
        ("need_unknown", total["need_unknown"], ""),
    ]
    return html.Section(
        [
            html.H2(ctx.t(language, "episode_page.seats_title")),
            html.Dl(
                [
                    html.Div(
                        [
                            html.Dt(ctx.t(language, f"episode_page.{name}")),
                            html.Dd([str(count), *([html.Small(more)] if more else [])]),
                        ],
                        className="fact",
                        **parts.data(wrong="yes" if name == "lacking" and count else ""),
                    )
                    for name, count, more in facts
                ],
                className="facts",
            ),
            *(_school_seats(ctx, language, school, now) for school in known),
            html.P(ctx.t(language, "episode_page.seats_how"), className="quiet"),
        ],
        className="group",
        **piece("seats"),
    )


def _n(ctx: Context, language: str, name: str, count: int) -> str:
    return ctx.t(language, f"episode_page.{name}", n=count) if count else ""


def _school_seats(ctx: Context, language: str, school: SchoolNow, now: int) -> Any:
    counted = school.seats
    said = [ctx.t(language, "episode_page.school_seats", need=counted.need, free=counted.free)]
    if counted.lacking:
        said.append(ctx.t(language, "episode_page.school_lacking", n=counted.lacking))
    for name in ("unknown", "used", "too_dusty", "uncounted"):
        rooms = getattr(counted, name)
        if rooms:
            named = ", ".join(parts.room_name(ctx, language, room) for room in rooms)
            said.append(ctx.t(language, f"episode_page.clean_{name}", rooms=named))
    if not any(room.clean_room for room in school.rooms):
        said.append(ctx.t(language, "episode_page.clean_none"))
    if school.counted_for != now:
        at = parts.moment(school.counted_for, now, language)
        said.append(ctx.t(language, "episode_page.counted_for", time=at))
    name = ctx.config().sites[school.site].name.in_(language)
    return html.P([html.B(name), ": ", " ".join(said)], className="school-seats")


def ranking(ctx: Context, language: str, school: SchoolNow) -> dict[str, str]:
    """A table for a school, with a piece for each room."""
    found = {f"room/{room.room}": _room(ctx, language, room) for room in school.rooms}
    heads = ("room", "dust", "pupils", "purifier")
    key = f"rank/{school.site}"
    found[key] = html.Section(
        [
            html.H2(ctx.config().sites[school.site].name.in_(language)),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr(
                                [html.Th(ctx.t(language, f"episode_page.head.{one}"), scope="col") for one in heads]
                            )
                        ),
                        html.Tbody([hole(f"room/{room.room}") for room in school.rooms]),
                    ],
                    className="episode-table ranking",
                ),
                className="panel",
            ),
        ],
        className="group",
        **piece(key),
    )
    return found


def _room(ctx: Context, language: str, room: RoomNow) -> str:
    state = parts.state_of(ctx, room.room)
    marks = [ctx.t(language, "episode_page.clean_room")] if room.clean_room else []
    if not room.class_there:
        marks.append(ctx.t(language, "episode_page.no_class"))
    name = html.A(parts.room_name(ctx, language, room.room), href=parts.address(f"/room/{room.room}", lang=language))
    return html.Tr(
        [
            html.Td([name, *([html.Small(" · ".join(marks))] if marks else [])], className="part"),
            html.Td(_dust(ctx, language, room)),
            html.Td(_pupils(ctx, language, room)),
            html.Td(_purifier(ctx, language, state)),
        ],
        **piece(f"room/{room.room}"),
    )


def _purifier(ctx: Context, language: str, state: RoomState | None) -> Any:
    if state is None:
        return states.purifier_word(ctx, language, None)
    return states.purifier_tile(ctx, language, state, of_room(ctx, state.room))


def _dust(ctx: Context, language: str, room: RoomNow) -> Any:
    state = parts.state_of(ctx, room.room)
    if state is None:
        return html.Span([html.B(ctx.t(language, "level.unknown")), " · ", ctx.t(language, "pages.no_word")])
    current = state.pm25
    if room.pm25 is None:
        last = states.last_value(ctx, language, current)
        why = states.unknown_reason(ctx, language, current, of_room(ctx, room.room).of(f"room/{room.room}"))
        return html.Span([html.B(ctx.t(language, "level.unknown")), f" · {why}", f" · {last}" if last else ""])
    return html.Span(
        [
            html.Span(
                [
                    states.number(ctx, language, current, "ugm3"),
                    " ",
                    html.Span(
                        [states.bars(ctx, language, current.level), states.level_word(ctx, language, current.level)],
                        className="swatch level",
                        **parts.data(level=current.level),
                    ),
                    html.Span(
                        states.age(current.newest_at, "late") if current.newest_at is not None else "",
                        className="if-late late-chip",
                    ),
                ],
                className="if-known",
            ),
            html.Span(states.unknown_reason(ctx, language, current), className="if-unknown"),
        ],
        className="phased",
        **states.phase_marks(current, ctx.now_ms()),
    )


def _pupils(ctx: Context, language: str, room: RoomNow) -> Any:
    if room.capacity <= 0:
        return html.Span(ctx.t(language, "episode_page.no_capacity"), className="quiet")
    if not room.class_there:
        return html.Span(ctx.t(language, "episode_page.pupils", n=room.capacity), className="quiet")
    severe = room.above(SEVERE_ABOVE_UGM3)
    said: list[Any] = [ctx.t(language, "episode_page.pupils", n=room.capacity)]
    if severe or room.above(NEEDS_PLACE_ABOVE_UGM3):
        said.append(
            html.B(f" · {ctx.t(language, 'episode_page.needs_place_severe' if severe else 'episode_page.needs_place')}")
        )
    return html.Span(said)
