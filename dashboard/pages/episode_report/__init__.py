"""The report of a smoke episode on paper or screen: what happened, in numbers that say where they are from."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Set
from typing import Final

from classair.alerting.reading import NotKnown
from classair.alerting.records import EpisodeRecord
from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.episodes.report import make
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.episode_report import sheet
from dashboard.reports.engine import unavailable

PATH = "/episode/<episode>/report"
ORDER = 200
TITLE_KEY = "episode_report.title"
NEED = Need.READ
RENEWED_MS: Final = 60_000


def view(ctx: Context, language: str, episode: str = "", reader: Principal = VISITOR) -> ReportView | None:
    try:
        record = ctx.records.episode(episode)
    except NotKnown:
        return ReportView(ctx, language, episode, Need.CONTROL.value in reader.scopes)
    return None if record is None else ReportView(ctx, language, episode, Need.CONTROL.value in reader.scopes)


class ReportView:
    """One sheet. It is made again once a minute while the episode is open; a closed one's stays as it was."""

    every_s = 60.0

    def __init__(self, ctx: Context, language: str, episode: str, names: bool) -> None:
        self._ctx, self._language, self._episode, self._names = ctx, language, episode, names
        self._made: tuple[EpisodeRecord, int, str] | None = None

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        record, now = None, ctx.now_ms()
        with contextlib.suppress(NotKnown):
            record = ctx.records.episode(self._episode)
            if record is not None and not self._fresh(record, now):
                self._made = (record, now, sheet.sheet(ctx, language, make(ctx, record, self._names), self._names))
        if record is None or self._made is None:
            said = html.Div(ctx.t(language, "episode_page.unknown"), className="panel notice plain", role="alert")
            return {"": html.Div([html.H1(ctx.t(language, TITLE_KEY)), said], **piece(""))}
        pdf = parts.address(f"/episode/{self._episode}/report.pdf", lang=language)
        as_pdf = [] if unavailable() else [html.P(html.A(ctx.t(language, "episode_report.pdf"), href=pdf))]
        return {"": html.Div([*as_pdf, hole("sheet")], **piece("")), "sheet": self._made[2]}

    def _fresh(self, record: EpisodeRecord, now: int) -> bool:
        """Readings and messages may arrive after the closing, so that one is not made once and for ever, either."""
        return self._made is not None and self._made[0] == record and now - self._made[1] < RENEWED_MS
