"""The register of clean rooms: every classroom with its evidence, those for days of haze first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Set
from datetime import date
from typing import Any, Final

from classair import i18n
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.clean_rooms.evidence import USUAL_DAYS, Evidence, clean_air, collect, span
from dashboard.clean_rooms.words import NOT_KNOWN, days, number, per_hour, share
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.queries.rooms import StoreUnavailable

log = logging.getLogger(__name__)

PATH = "/clean-rooms"
ORDER = 185
TITLE_KEY = "clean_rooms.title"
NEED = Need.READ
RENEWED_MS: Final = HOUR_MS
AGAIN_MS: Final = MINUTE_MS
_HEADS: Final = ("room", "seats", "volume", "label", "ratio", "days", "known")


def view(ctx: Context, language: str, reader: Principal = VISITOR) -> Register:
    return Register(ctx, language, reader)


class Register:
    """What is configured is shown at once; what is measured is collected on a thread and comes room by room."""

    every_s = 2.0

    def __init__(self, ctx: Context, language: str, reader: Principal) -> None:
        self._ctx, self._language, self._reader = ctx, language, reader
        self._found: dict[str, Evidence] = {}
        self._begun_ms = 0
        self._failed_ms = 0
        self._collecting = threading.Lock()

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, now = self._ctx, self._language, self._ctx.now_ms()
        config = ctx.config()
        rooms = [full for full, room in config.rooms() if not room.outdoor and self._reader.covers(full)]
        first, last = span(now)
        self._collect(rooms, first, last, now)
        found = {f"room/{full}": _row(ctx, language, full, self._evidence(full, first, last)) for full in rooms}
        sites = sorted(
            dict.fromkeys(full.partition(".")[0] for full in rooms),
            key=lambda site: parts.name_order(config.sites[site].name.in_(language)),
        )
        for site in sites:
            mine = [full for full in rooms if full.startswith(f"{site}.")]
            order = sorted(
                mine,
                key=lambda full: (
                    not config.room(full).clean_room,
                    parts.name_order(parts.room_name(ctx, language, full)),
                ),
            )
            found[f"site/{site}"] = _site(ctx, language, site, order)
        waits = self._collecting.locked() and any(self._evidence(full, first, last) is None for full in rooms)
        state = "counting" if waits else "failed" if self._failed_ms else ""
        found[""] = _page(ctx, language, sites, first, last, state)
        return found

    def _evidence(self, room: str, first: date, last: date) -> Evidence | None:
        known = self._found.get(room)
        return known if known is not None and (known.first, known.last) == (first, last) else None

    def _collect(self, rooms: list[str], first: date, last: date, now: int) -> None:
        fresh = now - self._begun_ms < RENEWED_MS and all(self._evidence(full, first, last) for full in rooms)
        if fresh or now - self._failed_ms < AGAIN_MS or not self._collecting.acquire(blocking=False):
            return
        self._begun_ms = now
        threading.Thread(
            target=self._collect_now, args=(rooms, first, last, now), name="clean-rooms", daemon=True
        ).start()

    def _collect_now(self, rooms: list[str], first: date, last: date, now: int) -> None:
        try:
            for full in rooms:
                self._found[full] = collect(self._ctx, full, first, last)
            self._failed_ms = 0
        except (StoreUnavailable, KeyError) as error:
            self._failed_ms = now
            log.warning("clean_rooms_not_collected error=%s", error)
        except Exception:
            self._failed_ms = now
            log.exception("clean_rooms_not_collected")
        finally:
            self._collecting.release()


def _page(ctx: Context, language: str, sites: list[str], first: date, last: date, state: str) -> str:
    said = ctx.t(language, "clean_rooms.intro", days=USUAL_DAYS, span=i18n.show_days(first, last, language))
    notice = [html.P(ctx.t(language, f"clean_rooms.{state}"), className="panel pad", role="status")] if state else []
    return html.Div(
        [
            html.Div(html.H1(ctx.t(language, TITLE_KEY)), className="head"),
            html.P(said, className="quiet intro"),
            *notice,
            *(hole(f"site/{site}") for site in sites),
        ],
        className="clean-rooms",
        **piece(""),
    )


def _site(ctx: Context, language: str, site: str, order: list[str]) -> str:
    heads = [html.Th(ctx.t(language, f"clean_rooms.head.{head}"), scope="col") for head in _HEADS]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody([hole(f"room/{full}") for full in order])])
    return html.Section(
        [
            html.H2(ctx.config().sites[site].name.in_(language)),
            html.Div(table, className="panel register", tabIndex=0, role="region", **parts.spoken(
                ctx.config().sites[site].name.in_(language)
            )),
        ],
        **piece(f"site/{site}"),
    )  # fmt: skip


def _row(ctx: Context, language: str, full: str, one: Evidence | None) -> str:
    settings, air = ctx.config().room(full), clean_air(ctx.config(), full)
    name = html.A(parts.room_name(ctx, language, full), href=parts.address(f"/clean-rooms/{full}", lang=language))
    mark: list[Any] = [html.Small(ctx.t(language, "clean_rooms.designated"))] if settings.clean_room else []
    cells = [
        f"{settings.capacity:,}" if settings.capacity else NOT_KNOWN,
        number(settings.volume_m3, 0),
        per_hour(ctx, language, air.per_hour),
        number(one.ratio, 2) if one else "…",
        days(ctx, language, one) if one else "…",
        share(one.known_share) if one else "…",
    ]
    return html.Tr([html.Th([name, *mark], scope="row"), *(html.Td(cell) for cell in cells)], **piece(f"room/{full}"))
