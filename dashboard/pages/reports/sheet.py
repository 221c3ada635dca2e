"""One week's list: a row for each room with its headline's link, as page and as PDF."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from classair import i18n
from classair.alerting.reading import NotKnown
from classair.timetable import local_time
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html, piece
from dashboard.reports.engine import unavailable
from dashboard.reports.week import page
from dashboard.reports.week.numbers import ends_ms, monday_of, rooms_with_lessons
from dashboard.reports.week.sending import sent
from dashboard.reports.week.shelf import Shelf


class Sheet:
    every_s = 60.0

    def __init__(self, ctx: Context, language: str, reader: Principal, monday: date | None) -> None:
        self._ctx, self._language, self._reader, self._monday = ctx, language, reader, monday

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        monday = self._monday or self._newest()
        rooms = [room for room in rooms_with_lessons(ctx.config(), monday) if self._reader.covers(room)]
        content: list[Any] = [
            html.H1(ctx.t(language, "reports.title")),
            html.P(ctx.t(language, "reports.why"), className="quiet"),
            *([html.P(ctx.t(language, "week.pdf_unavailable"), className="quiet")] if unavailable() else []),
            self._weeks(monday),
        ]
        if not rooms:
            content.append(html.P(ctx.t(language, "reports.no_rooms")))
        rooms.sort(key=lambda room: (_order(ctx, language, room), room))
        for site, of_site in groupby(rooms, key=lambda room: parts.site_name(ctx, language, room)):
            content += [html.H2(site), html.Ul([self._row(room, monday) for room in of_site])]
        return {"": html.Div(content, className="weekly", **piece(""))}

    def _weeks(self, monday: date) -> Any:
        ctx, language = self._ctx, self._language
        shown = i18n.show_days(monday, monday + timedelta(days=4), language)
        turn = [
            html.A(
                ctx.t(language, f"reports.{key}"),
                href=parts.address("/reports", lang=language, week=(monday + timedelta(days=days)).isoformat()),
            )
            for key, days in (("earlier", -7), ("later", 7))
            if days < 0 or monday + timedelta(days=7) <= local_time(ctx.now_ms()).date()
        ]
        return html.Div([html.Strong(shown), *turn], className="weeks")

    def _row(self, room: str, monday: date) -> Any:
        ctx, language = self._ctx, self._language
        token = ctx.shares.token(page.KIND, (room, monday.isoformat()), page.until_ms(monday))
        kept = Shelf(ctx.papers).report(room, monday)
        name = parts.room_name(ctx, language, room)
        over = ctx.now_ms() >= (ends_ms(ctx.config(), room, monday) or 0)
        state = "reports.sent" if kept is not None else "reports.not_made" if over else "week.draft"
        links = [
            html.A(
                ctx.t(language, "reports.open"),
                href=f"/report/{token}?lang={language}",
                **_of(ctx, language, "open", name),
            ),
            *(
                []
                if unavailable()
                else [
                    html.A(
                        ctx.t(language, "reports.pdf"),
                        href=f"/report/{token}.pdf?lang={language}",
                        **_of(ctx, language, "pdf", name),
                    )
                ]
            ),
        ]
        return html.Li(
            [
                html.B(name, className="name"),
                html.Span(self._state(room, monday, state), className="quiet"),
                *(links if token else []),
            ]
        )

    def _state(self, room: str, monday: date, state: str) -> str:
        """Whether it is made, and what became of its messages: those that were not sent with the reason."""
        ctx, language = self._ctx, self._language
        said = [ctx.t(language, state)]
        try:
            found = sent(ctx, room, monday)
        except NotKnown:
            return ", ".join([*said, ctx.t(language, "reports.told_not_known")])
        if found.told:
            said.append(ctx.t(language, "reports.told", n=found.told))
        if found.waiting:
            said.append(ctx.t(language, "reports.waiting", n=found.waiting))
        for reason, count in sorted(found.not_sent.items()):
            known = f"alerts_page.reason.{reason}"
            why = ctx.t(language, known if i18n.has(known) else "reports.given_up")
            said.append(ctx.t(language, "reports.not_sent", n=count, why=why))
        return ", ".join(said)

    def _newest(self) -> date:
        """The week that is running from its Friday 17.00 on, before that the one before."""
        now = self._ctx.now_ms()
        monday = monday_of(local_time(now).date())
        return monday if now >= page.ready_ms(monday) else monday - timedelta(days=7)


def _of(ctx: Context, language: str, key: str, name: str) -> dict[str, Any]:
    """What a screen reader says, as the list has many links of the same words."""
    return parts.spoken(f"{ctx.t(language, f'reports.{key}')}: {name}")


def _order(ctx: Context, language: str, room: str) -> tuple[Any, ...]:
    return (
        *parts.name_order(parts.site_name(ctx, language, room)),
        *parts.name_order(parts.room_name(ctx, language, room)),
    )
