"""Exports: choose, preview, create, follow and download."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dashboard.access.roles import VISITOR, Need, Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import hole, html, piece
from dashboard.pages.exports import answer, form, jobs

PATH = "/exports"
ORDER = 60
TITLE_KEY = "exports.title"
NEED = Need.READ
DATES = True


def view(
    ctx: Context,
    language: str,
    rooms: str = "",
    quantities: str = "",
    first: str = "",
    last: str = "",
    step: str = "",
    method: str = "",
    lesson: str = "",
    columns: str = "",
    netcdf: str = "",
    licence: str = "",
    doi: str = "",
    do: str = "",
    reader: Principal = VISITOR,
) -> ExportsView:
    """`do`: what was pressed; without it nothing is judged yet."""
    wish = {
        "rooms": rooms, "quantities": quantities, "first": first, "last": last, "step": step, "method": method,
        "lesson": lesson, "columns": columns, "netcdf": netcdf, "licence": licence, "doi": doi,
    }  # fmt: skip
    return ExportsView(ctx, language, wish, do, reader)


class ExportsView:
    """The form as the address says it, what came of it, and the packages of whoever reads."""

    every_s = 2.0

    def __init__(self, ctx: Context, language: str, wish: Mapping[str, str], do: str, reader: Principal) -> None:
        self._ctx, self._language, self._wish, self._do, self._reader = ctx, language, wish, do, reader
        self._told: str | None = None
        self._form = ""

    def concerns(self, key: str) -> bool:
        return False

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        ctx, language, reader = self._ctx, self._language, self._reader
        if ctx.exports is None or not ctx.exports.installed():
            return {"": self._page(parts.notice(self._t("not_installed_title"), self._t("not_installed")))}
        if Need.EXPORT.value not in reader.scopes:
            here = parts.address(PATH, **self._wish, lang=language)
            link = html.A(self._t("sign_in_link"), href=parts.address("/login", next=here))
            note = parts.notice(self._t("sign_in_title"), self._t("sign_in"), "info")
            return {"": self._page(note, html.P(link))}
        if self._told is None:  # once: a preview takes seconds
            wish = form.with_defaults(ctx, self._wish) if not self._do else dict(self._wish)
            self._told, faults = answer.answered(ctx, language, wish, self._do, reader)
            self._form = form.form(ctx, language, wish, faults)
        mine = ctx.exports.jobs(reader.who)[:50]
        return {
            "": self._page(
                hole("form"),
                html.Div(self._told, id="export-answer", role="status", **parts.aria(live="polite")),
                html.Section(
                    [html.H2(self._t("yours")), hole("jobs")],
                    className="group",
                ),
                html.P(self._t("by_command"), className="quiet"),
            ),
            "form": self._form,
            "jobs": jobs.table(ctx, language, mine),
        }

    def _t(self, key: str) -> str:
        return self._ctx.t(self._language, f"exports.{key}")

    def _page(self, *content: Any) -> str:
        head = [html.Div(html.H1(self._t("title")), className="head"), html.P(self._t("intro"))]
        return html.Div([*head, *content], className="exports", **piece(""))
