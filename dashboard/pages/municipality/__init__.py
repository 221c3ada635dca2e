"""Several schools at a glance: what needs attention and who has it, this week beside last week, a map."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final

from classair import i18n
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import RoomState
from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.episodes import notice
from dashboard.frame import attention, parts, states
from dashboard.frame.attention import MOST_LINES
from dashboard.frame.markup import hole, html, piece
from dashboard.live.cases import Case, cases_of, worst_first
from dashboard.live.lives import Lives, lives_of
from dashboard.municipality.owners import Owners
from dashboard.municipality.week import Week, week_of
from dashboard.pages.municipality import owning, schools, strip
from dashboard.queries.rooms import StoreUnavailable
from dashboard.reports.month.numbers import newest
from dashboard.reports.month.page import token

log = logging.getLogger(__name__)

PATH = "/municipality"
ORDER = 12
TITLE_KEY = "municipality.title"
NEED = Need.READ
RENEWED_MS: Final = 5 * MINUTE_MS
"""How old the numbers of the week may be: they change every quarter of an hour."""
AGAIN_MS: Final = MINUTE_MS


def view(ctx: Context, language: str, reader: Principal = VISITOR) -> Town:
    return Town(ctx, language, reader)


class Town:
    """The page in pieces. The week is counted on a thread of its own and shown when it is there."""

    every_s = 2.0

    def __init__(self, ctx: Context, language: str, reader: Principal) -> None:
        self._ctx, self._language, self._reader = ctx, language, reader
        self._made: dict[str, tuple[object, str]] = {}
        self._counting = threading.Lock()
        self._week: Week | None = None
        self._failed_ms = 0
        self._counted_for: tuple[str, ...] = ()

    def concerns(self, key: str) -> bool:
        return key.startswith(("full/", "health/bridge/", "health/service/"))

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, now = self._ctx, self._language, self._ctx.now_ms()
        config, lives = ctx.config(), lives_of(ctx)
        sites = tuple(site for site in config.sites if self._reader.covers(site))
        told = {
            f"{site}.{key}": parts.state_of(ctx, f"{site}.{key}") for site in sites for key in config.sites[site].rooms
        }
        # What leaves the school is signed by those who may: the link works without an account.
        shared = sites if Need.APPROVE.value in self._reader.scopes else ()
        self._count(sites, now)
        episode = notice.open_episode(ctx)
        found = {
            "head": self._kept("head", (_when(now, language), shared), lambda: _head(ctx, language, now, shared)),
            "episode": self._kept("episode", episode, lambda: notice.line(ctx, language, episode)),
            "": self._kept("", (ctx.live.connected(), bool(sites)), lambda: _page(ctx, language, bool(sites))),
        }
        if not sites:
            return found
        known = [_known(state) for full, state in told.items() if not config.room(full).outdoor]
        found["known"] = self._kept(
            "known", (sum(known), len(known)), lambda: _rooms(ctx, language, sum(known), len(known))
        )
        yards = {full: state for full, state in told.items() if config.room(full).outdoor}
        found["outdoor"] = _outdoor(ctx, language, yards)
        found |= self._attention(sites, told, lives, now, attention.still_open(ctx, episode))
        found["week"] = self._kept("week", (self._week, self._failed_ms), self._strip)
        by_site = self._week.this.by_site if self._week else {}
        found |= schools.pieces(ctx, language, sites, told, lives, by_site)
        return found

    def _kept(self, key: str, depends: object, make: Callable[[], str]) -> str:
        """The piece as it was made, as long as what it depends on is the same."""
        known = self._made.get(key)
        if known is None or known[0] != depends:
            known = self._made[key] = (depends, make())
        return known[1]

    def _attention(
        self,
        sites: Sequence[str],
        told: Mapping[str, RoomState | None],
        lives: Lives,
        now: int,
        still: tuple[bool, int],
    ) -> dict[str, str]:
        """The ten worst lines, each with who cares for it."""
        ctx, language = self._ctx, self._language
        cases = worst_first(
            case for full, state in told.items() for case in cases_of(full, ctx.config().room(full).outdoor, state, now)
        )
        silent = [part for part in attention.silent_parts(ctx, lives, cases) if _is_of(part, sites)]
        stopped = lives.stopped
        lines: list[Case | str] = [part for part in silent if part in stopped]
        lines += cases
        lines += [part for part in silent if part not in stopped]
        owners = Owners(ctx, sites)
        found: dict[str, str] = {}
        for line in lines[:MOST_LINES]:
            if isinstance(line, Case):
                owner = owning.words(ctx, language, self._reader, owners.of(line.room, line.kind))
                verdict = lives.of(f"room/{line.room}")
                made = attention.case_line(ctx, language, line, told[line.room], verdict, owner)
                found[attention.case_key(line)] = made
            else:
                owner = owning.words(ctx, language, self._reader, owners.of_part(line))
                found[attention.part_key(line)] = attention.part_line(ctx, language, lives, line, owner)
        shown, notices = list(found), attention.stopped_notice(ctx, language, stopped)
        found["cases"] = self._kept(
            "cases",
            (shown, len(lines), tuple(stopped), still),
            lambda: attention.section(ctx, language, shown, len(lines), notices, still),
        )
        return found

    # -- the week ------------------------------------------------------------------------------------------------------

    def _count(self, sites: tuple[str, ...], now: int) -> None:
        """Has the week counted when it is old; nothing waits for it."""
        fresh = self._week is not None and now - self._week.at_ms < RENEWED_MS and self._counted_for == sites
        if fresh or not sites or now - self._failed_ms < AGAIN_MS or not self._counting.acquire(blocking=False):
            return
        threading.Thread(target=self._count_now, args=(sites, now), name="week-of-schools", daemon=True).start()

    def _count_now(self, sites: tuple[str, ...], now: int) -> None:
        begun = time.monotonic()
        try:
            self._week, self._failed_ms, self._counted_for = week_of(self._ctx, sites), 0, sites
            log.debug("week_counted sites=%d seconds=%.1f", len(sites), time.monotonic() - begun)
        except StoreUnavailable as error:
            self._week, self._failed_ms = None, now
            log.warning("week_not_counted error=%s", error)
        except Exception:
            self._week, self._failed_ms = None, now
            log.exception("week_not_counted")
        finally:
            self._counting.release()

    def _strip(self) -> str:
        if self._week is None:
            return strip.waiting(self._ctx, self._language, failed=bool(self._failed_ms))
        return strip.strip(self._ctx, self._language, self._week)


def _is_of(part: str, sites: Sequence[str]) -> bool:
    kind, _, full = part.partition("/")
    return kind in ("broker", "service") or full.partition(".")[0] in sites


def _known(state: RoomState | None) -> bool:
    return state is not None and state.pm25.status in ("ok", "late")


def _when(now: int, language: str) -> str:
    at = local_time(now)
    return f"{i18n.show_date(at, language, 'long')} {i18n.show_date(at, language, 'time')}"


def _page(ctx: Context, language: str, several: bool) -> str:
    if not several:
        link = html.A(ctx.t(language, "overview.title"), href=parts.address("/", lang=language))
        none = html.P([ctx.t(language, "municipality.no_school"), " ", link], className="panel pad")
        return html.Div([hole("head"), none], className="municipality", **piece(""))
    away = html.Div(ctx.t(language, "pages.broker_away"), className="notice plain panel", role="alert")
    return html.Div(
        [
            hole("head"),
            hole("episode"),
            *([] if ctx.live.connected() else [away]),
            html.Dl([hole("outdoor"), hole("known")], className="facts"),
            html.Div([hole("cases"), hole("week")], className="town-columns"),
            hole("schools"),
        ],
        className="municipality",
        **piece(""),
    )


def _head(ctx: Context, language: str, now: int, sites: Sequence[str]) -> str:
    said = [html.H1(ctx.t(language, TITLE_KEY)), html.Span(_when(now, language), className="when")]
    links = [html.A(ctx.t(language, "clean_rooms.title"), href=parts.address("/clean-rooms", lang=language))]
    first = newest(now)
    if sites and (signed := token(ctx.shares, ctx.config(), first, sites)):
        month = ctx.t(language, "month.link", month=i18n.show_month(first, language))
        links.append(html.A(month, href=f"/paper/month/{signed}?lang={language}"))
    said.append(html.Div(links, className="papers"))
    return html.Div(said, className="head", **piece("head"))


def _rooms(ctx: Context, language: str, known: int, rooms: int) -> str:
    share = ctx.t(language, "overview.rooms_share", share=round(100 * known / rooms) if rooms else 0)
    told: list[Any] = [ctx.t(language, "overview.rooms_count", known=known, all=rooms), html.Small(share)]
    return html.Div(
        [html.Dt(ctx.t(language, "overview.rooms_with_data")), html.Dd(told)], className="fact", **piece("known")
    )


def _outdoor(ctx: Context, language: str, yards: Mapping[str, RoomState | None]) -> str:
    """The highest value outdoors of all schools, with where that is; unknown while none is known."""
    known = {full: state.pm25 for full, state in yards.items() if state is not None and state.pm25.value is not None}
    name = ctx.t(language, "municipality.outdoor" if len(yards) > 1 else "pages.outdoor")
    if not known:
        told: Any = html.Small(ctx.t(language, "overview.outdoor_unknown" if yards else "pages.no_outdoor"))
    else:
        worst = max(known, key=lambda full: (known[full].value or 0.0, full))
        school = html.A(
            parts.site_name(ctx, language, worst),
            href=parts.address(f"/room/{worst}", lang=language),
            className="place",
        )
        told = [states.outdoor_value(ctx, language, known[worst]), html.Small(school)]
    return html.Div([html.Dt(name), html.Dd(told)], className="fact", **piece("outdoor"))
