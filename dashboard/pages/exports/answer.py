"""What a package would be, or why it cannot be made, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import fields, parts
from dashboard.frame.markup import html, markup
from dashboard.pages.exports.jobs import size, spoken_rows
from dashboard.queries.exports import ExportRefused
from research.export.request import Request
from research.selection import SelectionRefused

_TRUE: Final = ("1", "true")


def answered(
    ctx: Context, language: str, wish: Mapping[str, str], do: str, reader: Principal
) -> tuple[str, fields.Faults]:
    """The answer to what was pressed, and what is wrong by field. `do`: preview, or make, which the page's script sends
    to the API; it comes here only when that has refused."""
    exports = ctx.exports
    if exports is None or not do:
        return "", {}
    values: dict[str, Any] = {key: value for key, value in wish.items() if key not in ("lesson", "netcdf")}
    values |= {key: wish[key] in _TRUE for key in ("lesson", "netcdf")}
    try:
        request = Request.parse(values)
        unknown = [room for room in request.selection.rooms if not ctx.config().has_room(room)]
        if unknown:
            raise SelectionRefused([f"rooms: unknown room {unknown[0]!r}"], [("rooms", "unknown_room")])
        told = exports.check(request, reader.who) if do == "make" else exports.preview(request)
    except SelectionRefused as refused:
        faults = fields.faults_of(ctx, language, refused)
        return fields.summary(ctx, language, faults), faults
    except ExportRefused as refused:
        text = ctx.t(language, f"wish.refused.{refused.key}", **refused.places)
        return markup(parts.notice(ctx.t(language, "exports.refused"), text)), {}
    if not told["rows"]:
        return markup(parts.notice(ctx.t(language, "exports.refused"), ctx.t(language, "export.nothing"), "info")), {}
    return _preview(ctx, language, told), {}


def _preview(ctx: Context, language: str, found: Mapping[str, Any]) -> str:
    gaps = ctx.t(language, "exports.gaps_unknown") if found["gaps"] is None else f"{100 * found['gaps']:.1f}%"
    rows = spoken_rows(language, found["rows"])
    about = ctx.t(language, "exports.about", rows=rows, size=size(found["bytes"]), gaps=gaps)
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in found["names"]])),
            html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in found["sample"]]),
        ],
        className="figures",
    )
    return html.Section(
        [
            html.P(html.B(about)),
            markup(parts.simulated_mark(ctx, language)) if found["simulated"] else None,
            html.P(ctx.t(language, "exports.background")) if found["background"] else None,
            html.Div(
                table, className="scroll", tabIndex=0, role="region", **parts.spoken(ctx.t(language, "exports.preview"))
            ),
        ],
        className="group",
    )
