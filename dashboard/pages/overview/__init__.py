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
from dashboard.frame import attention, parts, states
from dashboard.frame.attention import MOST_LINES
from dashboard.frame.markup import hole, html, piece
from dashboard.live.ages import next_change
from dashboard.live.alive import ALIVE, Verdict
from dashboard.live.cases import Case, cases_of, worst_first
from dashboard.live.lives import Lives, lives_of
from dashboard.pages.overview.cards import card

PATH = "/"
ORDER = 10
TITLE_KEY = "overview.title"
NEED = Need.READ


def view(ctx: Context, language: str) -> Overview:
    return Overview(ctx, language)


@dataclass(frozen=True, slots=True)
class Look:
    """A room as it is shown until `due` (UTC ms), unless news come before or what it depends on falls silent."""

    state: RoomState | None
    lives: Sequence[Verdict]
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
        lives = lives_of(ctx)
        for full, room in config.rooms():
            known, alive = self._looks.get(full), _verdicts(ctx, lives, full)
            if known is None or f"full/{full}" in changed or now >= known.due or known.lives != alive:
                self._looks[full] = _look(ctx, language, full, room, now, lives)
        told = {case: text for look in self._looks.values() for case, text in look.cases}
        lines = self._lines(lives, worst_first(told))
        shown = list(lines)[:MOST_LINES]
        when = f"{i18n.show_date(at, language, 'long')} {i18n.show_date(at, language, 'time')}"
        indoor = [look for full, look in self._looks.items() if not config.room(full).outdoor]
        known_rooms = sum(look.state is not None and look.state.pm25.status in ("ok", "late") for look in indoor)
        stopped = tuple(lives.stopped)
        episode = notice.open_episode(ctx)
        still = attention.still_open(ctx, episode)
        found = {f"card/{full}": look.card for full, look in self._looks.items() if look.card}
        for key in shown:
            case, part = lines[key]
            if case is not None:
                found[key] = told[case]
            else:
                word: object = (lives.of(part), lives.roots.get(part), ctx.live.sensor(part.partition("/")[2]))
                found[key] = self._kept(key, word, partial(attention.part_line, ctx, language, lives, part))
        made: list[tuple[str, object, Callable[[], str]]] = [
            ("head", when, lambda: _head(ctx, language, when)),
            ("episode", episode, lambda: notice.line(ctx, language, episode)),
            ("known", known_rooms, lambda: _known(ctx, language, known_rooms, len(indoor))),
            (
                "cases",
                (shown, len(lines), stopped, still),
                partial(_cases, ctx, language, shown, len(lines), lives, still),
            ),
            ("", ctx.live.connected(), lambda: _page(ctx, language)),
        ]
        for site in config.sites:
            air = _outdoor(site, config.sites[site].rooms, self._looks)
            yard = next((key for key, room in config.sites[site].rooms.items() if room.outdoor), None)
            outside = lives.of(f"room/{site}.{yard}") if yard else ALIVE
            made += [
                (f"site/{site}", None, partial(_site, ctx, language, site)),
                (f"outdoor/{site}", (air, outside), partial(_outdoor_fact, ctx, language, site, air, outside)),
            ]
        for key, depends, make in made:
            found[key] = self._kept(key, depends, make)
        return found

    def _kept(self, key: str, depends: object, make: Callable[[], str]) -> str:
        """The piece as it was made, as long as what it depends on is the same."""
        known = self._made.get(key)
        if known is None or known[0] != depends:
            known = self._made[key] = (depends, make())
        return known[1]

    def _lines(self, lives: Lives, cases: Sequence[Case]) -> dict[str, tuple[Case | None, str]]:
        """Every line by its key: parts that explain much come first, then rooms, then single parts."""
        silent = attention.silent_parts(self._ctx, lives, cases)
        stopped = lives.stopped
        found: dict[str, tuple[Case | None, str]] = {
            attention.part_key(part): (None, part) for part in silent if part in stopped
        }
        found |= {attention.case_key(case): (case, "") for case in cases}
        return found | {attention.part_key(part): (None, part) for part in silent if part not in stopped}


def _verdicts(ctx: Context, lives: Lives, full: str) -> Sequence[Verdict]:
    return [lives.of(f"room/{full}"), *(lives.of(f"purifier/{unit}") for unit in ctx.config().purifiers_in(full))]


def _look(ctx: Context, language: str, full: str, room: Room, now: int, lives: Lives) -> Look:
    state = parts.state_of(ctx, full)
    cases, alive = cases_of(full, room.outdoor, state, now), lives.of(f"room/{full}")
    return Look(
        state,
        _verdicts(ctx, lives, full),
        "" if room.outdoor else card(ctx, language, full, state, lives),
        [(case, attention.case_line(ctx, language, case, state, alive)) for case in cases],
        next_change(ctx.live.state(full), now),
    )


def _cases(ctx: Context, language: str, shown: Sequence[str], count: int, lives: Lives, still: tuple[bool, int]) -> str:
    notices = attention.stopped_notice(ctx, language, lives.stopped)
    return attention.section(ctx, language, shown, count, notices, still)


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


def _outdoor_fact(ctx: Context, language: str, site: str, current: Current | None, verdict: Verdict) -> str:
    settings = ctx.config().sites[site]
    told: Any
    if current is None or current.status == "none":
        yard = any(room.outdoor for room in settings.rooms.values())
        told = html.Small(ctx.t(language, "overview.outdoor_unknown" if yard else "pages.no_outdoor"))
    else:
        told = states.outdoor_value(ctx, language, current, verdict)
    name = [ctx.t(language, "pages.outdoor"), " · ", settings.name.in_(language)]
    return html.Div([html.Dt(name), html.Dd(told)], className="fact", **piece(f"outdoor/{site}"))


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
        id=f"site-{site}",
        **piece(f"site/{site}"),
    )
