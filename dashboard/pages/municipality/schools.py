"""The schools: a drawing with numbered points, and beside it the same numbers as a list with what each school is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classair.wire import RoomState
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.lives import Lives
from dashboard.municipality.lessons import Lessons
from dashboard.municipality.town_map import HEIGHT, WIDTH, draw, shapes_of
from dashboard.pages.municipality.strip import share


def pieces(
    ctx: Context,
    language: str,
    sites: Sequence[str],
    told: Mapping[str, RoomState | None],
    lives: Lives,
    week: Mapping[str, Lessons],
) -> dict[str, str]:
    """A line for each school, and the drawing."""
    config = ctx.config()
    names = {site: config.sites[site].name.in_(language) for site in sites}
    order = sorted(sites, key=lambda site: parts.name_order(names[site]))
    levels = {site: worst(config.sites[site].rooms, site, told)[0] for site in order}
    found = {
        f"school/{site}": _school(ctx, language, number, site, names[site], told, lives, week.get(site))
        for number, site in enumerate(order, 1)
    }
    found["map"] = _map(ctx, language, order, levels)
    found["schools"] = html.Section(
        [
            html.H2(ctx.t(language, "municipality.schools")),
            html.Div(
                [hole("map"), html.Ol([hole(f"school/{site}") for site in order], className="schools")],
                className="town",
            ),
        ],
        **piece("schools"),
    )
    return found


def worst(rooms: Mapping[str, Any], site: str, told: Mapping[str, RoomState | None]) -> tuple[str, int, int, int]:
    """The worst level of the rooms that are known, how many have it, how many are known, and how many there are."""
    inside = [told[f"{site}.{key}"] for key, room in rooms.items() if not room.outdoor]
    levels = [state.pm25.level for state in inside if state is not None and state.pm25.status in ("ok", "late")]
    levels = [level for level in levels if level in states.LEVELS]
    highest = max(levels, key=states.LEVELS.index, default="unknown")
    return highest, levels.count(highest), len(levels), len(inside)


def _school(
    ctx: Context,
    language: str,
    number: int,
    site: str,
    name: str,
    told: Mapping[str, RoomState | None],
    lives: Lives,
    week: Lessons | None,
) -> str:
    level, having, known, rooms = worst(ctx.config().sites[site].rooms, site, told)
    said = ctx.t(language, "municipality.rooms_known", known=known, all=rooms)
    if known:
        word = states.level_word(ctx, language, level)
        said = f"{ctx.t(language, 'municipality.worst', level=word, n=having)} · {said}"
    silent = [f"bridge/{site}.{bridge}" for bridge in ctx.config().sites[site].bridges]
    if any(lives.unknown(part) for part in silent):
        said = f"{said} · {ctx.t(language, 'municipality.bridge_silent')}"
    good = (
        [html.Span(ctx.t(language, "municipality.week_good", share=share(week.good_share)), className="quiet")]
        if week is not None
        else []
    )
    simulated = [parts.simulated_mark(ctx, language)] if ctx.config().site_simulated(site) else []
    return html.Li(
        [
            html.Span(str(number), className="school-number level", **parts.data(level=level)),
            html.Span(
                [
                    html.Span(
                        [html.A(name, href=_link(ctx, language, site)), " ", *simulated], className="school-name"
                    ),
                    html.Span(
                        [states.bars(ctx, language, level), " ", said],
                        className="school-state",
                    ),
                    *good,
                ],
                className="school-said",
            ),
        ],
        **piece(f"school/{site}"),
    )


def _link(ctx: Context, language: str, site: str) -> str:
    return f"{parts.address('/', lang=language)}#site-{site}"


def _map(ctx: Context, language: str, order: Sequence[str], levels: Mapping[str, str]) -> str:
    """The list says the same in words, so the drawing is silent for screen readers."""
    positions = {site: ctx.config().sites[site].position for site in order}
    at = {site: (place.lon, place.lat) for site, place in positions.items() if place is not None}
    if not at:
        return html.P(ctx.t(language, "municipality.no_map"), className="panel pad quiet", **piece("map"))
    drawing = draw(shapes_of(ctx.map_file), at)
    drawn = [html.Path(d=path, className=f"outline {kind}") for kind, path in drawing.paths]
    points = [
        html.G(
            [
                html.Circle(cx=f"{x:g}", cy=f"{y:g}", r="17"),
                html.Text(str(order.index(site) + 1), x=f"{x:g}", y=f"{y + 6:g}", **{"text-anchor": "middle"}),
            ],
            className="school-point",
            **parts.data(level=levels[site]),
        )
        for site, (x, y) in drawing.places.items()
    ]
    lost = len(order) - len(at)
    note = [html.P(ctx.t(language, "municipality.not_on_map", n=lost), className="quiet")] if lost else []
    return html.Figure(
        [
            html.Svg([*drawn, *points], viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", **parts.aria(hidden="true")),
            html.Figcaption(ctx.t(language, "municipality.map_caption")),
            *note,
        ],
        className="town-map panel",
        **piece("map"),
    )
