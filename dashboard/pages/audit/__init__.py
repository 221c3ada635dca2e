"""Who changed what, and who was refused, newest first: for administrators."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from classair import i18n
from classair.timetable import local_time
from dashboard.access.audit import Action, Audit, Entry
from dashboard.access.roles import Need
from dashboard.context import Context
from dashboard.frame.markup import html, piece
from dashboard.frame.parts import address, data

PATH = "/audit"
ORDER = 100
TITLE_KEY = "audit_page.title"
NEED = Need.ADMIN

_PAGE: Final = 100


def view(ctx: Context, language: str, before: str = "", who: str = "") -> Changes | None:
    """`before`: the number of an entry; older ones are shown. `who`: only theirs."""
    if (before and not (before.isascii() and before.isdecimal() and len(before) < 16)) or len(who) > 64:
        return None
    return Changes(ctx, language, int(before) if before else None, who)


class Changes:
    every_s = 5.0

    def __init__(self, ctx: Context, language: str, before: int | None, who: str) -> None:
        self._ctx, self._language, self._before, self._who = ctx, language, before, who
        self._audit = Audit(ctx.desk, ctx.now_ms)

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language = self._ctx, self._language
        found = self._audit.page(_PAGE + 1, before=self._before, who=self._who)
        shown = found[:_PAGE]
        heads = [ctx.t(language, f"audit_page.{key}") for key in ("at", "who", "do", "about", "outcome")]
        table = html.Table(
            [
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([self._row(one, heads) for one in shown]),
            ],
            className="audit",
        )
        ways = []
        if self._before is not None or self._who:
            ways.append(html.A(ctx.t(language, "audit_page.newest"), href=address(PATH, lang=language)))
        if len(found) > _PAGE:
            older = address(PATH, lang=language, before=str(shown[-1].id), who=self._who)
            ways.append(html.A(ctx.t(language, "audit_page.older"), href=older, rel="next"))
        content = html.Div(table, className="panel") if shown else html.P(ctx.t(language, "audit_page.none"))
        return {
            "": html.Div(
                [
                    html.H1(ctx.t(language, TITLE_KEY)),
                    html.P(ctx.t(language, "audit_page.why"), className="quiet"),
                    content,
                    html.P(ways, className="ways"),
                ],
                className="audit-page",
                **piece(""),
            )
        }

    def _row(self, one: Entry, heads: list[str]) -> str:
        at = i18n.show_date(local_time(one.at), self._language, "day_time")
        who = html.A(one.who, href=address(PATH, lang=self._language, who=one.who))
        cells = (at, who, self._action(one.do), one.about, one.outcome)
        return html.Tr([html.Td(cell, **data(head=head)) for head, cell in zip(heads, cells, strict=True)])

    def _action(self, do: str) -> str:
        """In words; what an earlier version noted under another name is shown as it stands."""
        noted = "refused" if do.startswith("refused ") else do  # once with the method behind it
        return self._ctx.t(self._language, Action(noted).text) if noted in list(Action) else do
