"""All rooms of all schools at a glance: what needs attention first, then every room. Shows room states as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from classair import i18n
from classair.config import Config, Room
from classair.timetable import local_time
from classair.wire import Current, RoomState
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.episodes import notice
from dashboard.frame import parts, states
from dashboard.frame.markup import hole, html, piece
from dashboard.live.ages import next_change, texts_as_of
from dashboard.live.cases import Case, cases_of, services_down, worst_first

PATH = "/"
ORDER = 10
TITLE_KEY = "overview.title"
NEED = Need.READ
MOST_CASES = 10
"""More than this at once is one matter, not many; the rest is counted."""

_LEVEL_KINDS = ("affects_health", "starts_to_affect_health")


def view(ctx: Context, language: str) -> Overview:
    return Overview(ctx, language)


@dataclass(frozen=True, slots=True)
class Look:
    """A room as it is shown until `due` (UTC ms), unless news come before."""

    state: RoomState | None
    card: str
    cases: Sequence[tuple[Case, str]]
    due: int


class Overview:
    """The page in pieces: a card for each room, a line for each case, and around them what rarely changes."""

    every_s = 1.0

    def __init__(self, ctx: Context, language: str) -> None:
        self._ctx, self._language = ctx, language
        self._config: Config | None = None
        self._day: date | None = None
        self._looks: dict[str, Look] = {}
        self._made: dict[str, tuple[object, str]] = {}

    def concerns(self, key: str) -> bool:
        return key.startswith("full/")

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, now = self._ctx, self._language, self._ctx.now_ms()
        config, at = ctx.config(), local_time(now)
        if config is not self._config or at.date() != self._day:
            self._config, self._day, self._looks, self._made = config, at.date(), {}, {}
        for full, room in config.rooms():
            known = self._looks.get(full)
            if known is None or f"full/{full}" in changed or now >= known.due:
                self._looks[full] = _look(ctx, language, full, room, now)
        told = {case: text for look in self._looks.values() for case, text in look.cases}
        cases = worst_first(told)
        shown = [_case_key(case) for case in cases[:MOST_CASES]]
        when = f"{i18n.show_date(at, language, 'long')} {i18n.show_date(at, language, 'time')}"
        indoor = [look for full, look in self._looks.items() if not config.room(full).outdoor]
        known_rooms = sum(look.state is not None and look.state.pm25.status in ("ok", "late") for look in indoor)
        down = bool(services_down(ctx.live.services(), ctx.live.beat(), now))
        episode = notice.open_episode(ctx)
        found = {f"card/{full}": look.card for full, look in self._looks.items() if look.card}
        found |= {_case_key(case): told[case] for case in cases[:MOST_CASES]}
        made: list[tuple[str, object, Callable[[], str]]] = [
            ("head", when, lambda: _head(ctx, language, when)),
            ("episode", episode, lambda: notice.line(ctx, language, episode)),
            ("known", known_rooms, lambda: _known(ctx, language, known_rooms, len(indoor))),
            ("cases", (shown, len(cases), down), lambda: _cases(ctx, language, shown, len(cases), down)),
            ("", ctx.live.connected(), lambda: _page(ctx, language)),
        ]
        for site in config.sites:
            air = _outdoor(site, config.sites[site].rooms, self._looks)
            made += [
                (f"site/{site}", None, partial(_site, ctx, language, site)),
                (f"outdoor/{site}", air, partial(_outdoor_fact, ctx, language, site, air)),
            ]
        for key, depends, make in made:
            known_piece = self._made.get(key)
            if known_piece is None or known_piece[0] != depends:
                known_piece = self._made[key] = (depends, make())
            found[key] = known_piece[1]
        return found


def _look(ctx: Context, language: str, full: str, room: Room, now: int) -> Look:
    state = parts.state_of(ctx, full)
    cases = cases_of(full, room.outdoor, state, now)
    return Look(
        state,
        "" if room.outdoor else _card(ctx, language, full, state),
        [(case, _case(ctx, language, case, state)) for case in cases],
        next_change(ctx.live.state(full), now),
    )


def _page(ctx: Context, language: str) -> str:
    names = {key: site.name.in_(language) for key, site in ctx.config().sites.items()}
    sites = sorted(names, key=lambda site: parts.name_order(names[site]))
    away = html.Div(
        [html.B(ctx.t(language, "overview.title")), html.Div(ctx.t(language, "pages.broker_away"))],
        className="notice plain",
        role="alert",
    )
    return html.Div(
        [
            hole("head"),
            hole("episode"),
            *([] if ctx.live.connected() else [away]),
            html.Dl([hole("known"), *(hole(f"outdoor/{site}") for site in sites)], className="facts"),
            hole("cases"),
            *(hole(f"site/{site}") for site in sites),
        ],
        id="overview",
        **piece(""),
    )


def _head(ctx: Context, language: str, when: str) -> str:
    return html.Div(
        [html.H1(ctx.t(language, "overview.title")), html.Span(when, className="when")],
        className="head",
        **piece("head"),
    )


def _known(ctx: Context, language: str, known: int, rooms: int) -> str:
    """How many rooms are known."""
    told: list[Any] = [
        ctx.t(language, "overview.rooms_count", known=known, all=rooms),
        html.Small(ctx.t(language, "overview.rooms_share", share=round(100 * known / rooms) if rooms else 0)),
    ]
    return html.Div(
        [html.Dt(ctx.t(language, "overview.rooms_with_data")), html.Dd(told)], className="fact", **piece("known")
    )


def _outdoor(site: str, rooms: Mapping[str, Room], looks: Mapping[str, Look]) -> Current | None:
    """What the school's rooms are told of the outdoors: its own place outside, or another source that is named."""
    states = {key: look.state for key in rooms if (look := looks[f"{site}.{key}"]).state is not None}
    for key, state in states.items():
        if rooms[key].outdoor and state is not None:
            return state.pm25
    told = (state.outdoor for state in states.values() if state is not None)
    return next((current for current in told if current.status != "none"), None)


def _outdoor_fact(ctx: Context, language: str, site: str, current: Current | None) -> str:
    settings = ctx.config().sites[site]
    told: Any
    if current is None or current.status == "none":
        yard = any(room.outdoor for room in settings.rooms.values())
        told = html.Small(ctx.t(language, "overview.outdoor_unknown" if yard else "pages.no_outdoor"))
    else:
        told = html.Span(
            [
                html.Span(
                    [states.number(ctx, language, current, "ugm3"), " ", _swatch(ctx, language, current.level)],
                    className="if-known",
                ),
                html.Small(states.unknown_reason(ctx, language, current), className="if-unknown"),
            ],
            className="phased",
            **states.phase_marks(current, ctx.now_ms()),
        )
    name = [ctx.t(language, "pages.outdoor"), " · ", settings.name.in_(language)]
    return html.Div([html.Dt(name), html.Dd(told)], className="fact", **piece(f"outdoor/{site}"))


def _swatch(ctx: Context, language: str, level: str) -> Any:
    return html.Span(
        [states.bars(ctx, language, level), states.level_word(ctx, language, level)],
        className="swatch level",
        **parts.data(level=level),
    )


# -- what needs attention ----------------------------------------------------------------------------------------------


def _case_key(case: Case) -> str:
    """The same while a room's case gets worse or better: the line stays, only its words change."""
    about = "level" if case.kind in _LEVEL_KINDS else "purifier" if case.kind.startswith("purifier") else "value"
    return f"case/{case.room}/{about}"


def _cases(ctx: Context, language: str, shown: Sequence[str], count: int, down: bool) -> str:
    """`down`: a service that rooms depend on is away, so that what they show may soon be old."""
    away = html.Div(
        [
            ctx.t(language, "overview.service_down"),
            " ",
            html.A(ctx.t(language, "health_page.title"), href=parts.address("/health", lang=language)),
        ],
        className="panel notice plain",
        role="alert",
    )
    if not count and down:
        return html.Div(away, **piece("cases"))
    if not count:
        well: list[Any] = [html.I(className="tick"), ctx.t(language, "overview.all_well")]
        return html.Div(well, className="well", role="status", **piece("cases"))
    left = count - len(shown)
    return html.Section(
        [
            *([away] if down else []),
            html.H2(f"{ctx.t(language, 'overview.needs_care')} ({count})"),
            html.Ul([hole(key) for key in shown], className="cases"),
            *([html.P(ctx.t(language, "overview.more", n=left), className="quiet")] if left else []),
        ],
        **piece("cases"),
    )


def _case(ctx: Context, language: str, case: Case, state: RoomState | None) -> str:
    level = case.kind if case.kind in _LEVEL_KINDS else "unknown"
    since = (
        [states.age(case.since, "since", className="age quiet nowrap")]
        if case.since is not None
        else [html.Span(className="age")]
    )
    return html.Li(
        html.A(
            [
                html.Span(className="edge level", **parts.data(level=level)),
                html.Span(parts.room_name(ctx, language, case.room), className="where nowrap"),
                html.Span(parts.site_name(ctx, language, case.room), className="school"),
                html.Span(_what(ctx, language, case, state), className="what"),
                *since,
            ],
            href=parts.address(f"/room/{case.room}", lang=language),
        ),
        **piece(_case_key(case)),
    )


def _what(ctx: Context, language: str, case: Case, state: RoomState | None) -> Any:
    told: list[Any]
    if case.kind in _LEVEL_KINDS and state is not None:
        told = [
            ctx.t(
                language,
                "overview.case.level",
                value=state.pm25.shown,
                unit=ctx.t(language, "unit.ugm3"),
                level=states.level_word(ctx, language, state.pm25.level),
            )
        ]
        if state.purifier is not None and state.purifier.on is not None:
            told += [
                " · ",
                ctx.t(language, f"overview.case.purifier_{'on' if state.purifier.on else 'off'}"),
                " ",
                states.age(state.purifier.since, "for", className="quiet"),
            ]
        return told
    if case.kind == "unknown" and state is None:
        return ctx.t(language, "pages.no_word")
    told = [ctx.t(language, f"overview.case.{case.kind}")]
    if case.kind == "unknown" and state is not None and (last := states.last_value(ctx, language, state.pm25)):
        coming = state.pm25.status in ("filling", "warming_up")
        told.append(
            html.Span(f" · {states.unknown_reason(ctx, language, state.pm25) if coming else last}", className="quiet")
        )
    return told


# -- every room --------------------------------------------------------------------------------------------------------


def _site(ctx: Context, language: str, site: str) -> str:
    settings = ctx.config().sites[site]
    names = {f"{site}.{key}": room.name.in_(language) for key, room in settings.rooms.items() if not room.outdoor}
    order = sorted(names, key=lambda full: parts.name_order(names[full]))
    head: list[Any] = [
        html.H2(settings.name.in_(language)),
        html.Span(ctx.t(language, "overview.rooms_of", n=len(order)), className="quiet"),
    ]
    if ctx.config().site_simulated(site):
        head.append(parts.simulated_mark(ctx, language))
    return html.Section(
        [
            html.Div(head, className="site-head"),
            html.Div([hole(f"card/{full}") for full in order], className="cards"),
        ],
        className="site",
        **piece(f"site/{site}"),
    )


def _card(ctx: Context, language: str, full: str, state: RoomState | None) -> str:
    current = state.pm25 if state else Current(status="unknown")
    name = parts.room_name(ctx, language, full)
    top = html.Div(
        [
            html.Span(
                [
                    html.Span(states.face(current.level), className="if-known"),
                    html.Span(states.face("unknown"), className="if-unknown"),
                ],
                className="face-place",
            ),
            html.Span(name, className="name nowrap"),
            html.Span(
                [
                    html.Span(
                        [
                            states.level_word(ctx, language, current.level),
                            " ",
                            states.bars(ctx, language, current.level),
                        ],
                        className="if-known",
                    ),
                    html.Span(
                        states.unknown_reason(ctx, language, current) if state else ctx.t(language, "pages.no_word"),
                        className="if-unknown",
                    ),
                ],
                className="word",
            ),
            html.Span(
                [
                    html.Span(states.number(ctx, language, current, "ugm3"), className="if-known"),
                    html.Span("–", className="if-unknown"),
                ],
                className="value",
            ),
        ],
        className="card-top level",
        **parts.data(level=current.level),
    )
    rows = (
        []
        if state is None
        else [
            *_action(ctx, language, state),
            html.Dl(
                [
                    html.Dt(ctx.t(language, "pages.co2")),
                    html.Dd(states.ventilation(ctx, language, state.co2)),
                    html.Dt(ctx.t(language, "pages.purifier_label")),
                    html.Dd(states.purifier_word(ctx, language, state.purifier)),
                ]
            ),
        ]
    )
    return html.Div(
        html.A(
            [top, *rows, html.Div(_aged(ctx, language, current), className="aged")],
            href=parts.address(f"/room/{full}", lang=language),
            title=ctx.t(language, "overview.open_room", room=name),
        ),
        className="card",
        **states.phase_marks(current, ctx.now_ms()),
        **piece(f"card/{full}"),
    )


def _action(ctx: Context, language: str, state: RoomState) -> list[Any]:
    """The display's sentence; and that the room's sensors disagree, which no number shows."""
    told = texts_as_of(state, language, ctx.now_ms())
    later = state.texts.get(language, {}).get("unknown")
    found: list[Any] = []
    if state.pm25.status in ("ok", "late"):
        if told is not None:
            found.append(html.P(states.phrases(told.action), className="action if-known"))
        if later is not None:
            found.append(html.P(states.phrases(later.action), className="action if-unknown"))
        if state.pm25.disagree:
            found.append(html.P(ctx.t(language, "pages.disagree"), className="disagree if-known"))
    elif told is not None:
        found.append(html.P(states.phrases(told.action), className="action"))
    return found


def _aged(ctx: Context, language: str, current: Current) -> list[Any]:
    told: list[Any] = []
    if current.newest_at is not None:
        told = [
            states.age(current.newest_at, "measured", className="if-ok"),
            html.Span(states.age(current.newest_at, "late"), className="if-late late-chip"),
        ]
    return [*told, html.Span(states.last_value(ctx, language, current), className="if-unknown")]
