"""The explorer's numbers as a table and as CSV, and the view as a link and as a request."""

from __future__ import annotations

import json
from typing import Any, Final

from dash import dcc, html

from classair import i18n
from classair.timetable import local_time
from classair.units import DAY_MS
from dashboard.frame import parts
from dashboard.pages.explorer import form as forms
from dashboard.pages.explorer.charts import Looking, Rows, number
from dashboard.queries.research import data_id
from research.means import MeanRow

SHOWN_ROWS: Final = 100


def table(look: Looking, rows: Rows) -> Any:
    """The chosen step's rows, newest first; the first SHOWN_ROWS, all are in the CSV."""
    selection = look.view.selection
    found = sorted((row for one in rows.values() for row in one), key=lambda row: (-row.start_ms, row.room))
    if not found:
        return html.P(look.ctx.t(look.language, "pages.chart.no_rows"))
    heads = [
        look.ctx.t(look.language, "pages.chart.time"),
        look.say("room"),
        look.say("quantity_one"),
        look.say("value"),
        look.ctx.t(look.language, "pages.chart.lowest"),
        look.ctx.t(look.language, "pages.chart.highest"),
        look.say("n"),
        look.ctx.t(look.language, "pages.chart.coverage"),
        look.say("left_out_one"),
        look.say("why_head"),
    ]
    body = [
        html.Tr([html.Th(cell, scope="row") if i == 0 else html.Td(cell) for i, cell in enumerate(_cells(look, row))])
        for row in found[:SHOWN_ROWS]
    ]
    return html.Div(
        [
            html.P(look.say("rows_of", shown=f"{len(body):,}", all=f"{len(found):,}"), className="quiet"),
            html.Div(
                html.Table(
                    [html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])), html.Tbody(body)],
                    className="figures",
                ),
                className="scroll",
                tabIndex=0,
                role="region",
                **parts.spoken(look.ctx.t(look.language, "pages.chart.table")),
            ),
            html.P(look.say("made_complete", share=f"{100 * selection.completeness:g}"), className="made"),
        ]
    )


def _cells(look: Looking, row: MeanRow) -> list[str]:
    at = local_time(row.start_ms)
    when = i18n.show_date(
        at.date() if look.view.selection.step_ms == DAY_MS else at,
        look.language,
        "medium" if look.view.selection.step_ms == DAY_MS else "day_time",
    )
    values = ["–" if v is None else number(v, row.quantity) for v in (row.value, row.low, row.high)]
    why = f"explorer.why.{row.why}"
    return [
        when,
        look.names.get(row.room, row.room),
        f"{look.quantity(row.quantity)} ({look.unit(row.quantity)})",
        *values,
        f"{row.n:,}",
        f"{100 * row.completeness:.0f}%",
        f"{sum(row.bad.values()):,}",
        "" if row.value is not None else (look.ctx.t(look.language, why) if i18n.has(why) else row.why),
    ]


def this_view_as(look: Looking) -> Any:
    """Link, CSV, request; the pictures have their button beside each figure."""
    selection = look.view.selection
    link = f"{forms.PATH}?{look.view.query(lang=look.language)}"
    versions = look.ctx.research.versions(selection)
    request = {
        "get": f"/api/v1/table?{selection.query()}",
        "selection": selection.model_dump(mode="json"),
        "id": selection.id,
        "data": data_id(selection, versions),
    }
    return html.Section(
        [
            html.H2(look.say("view_as")),
            html.P(
                [
                    html.A(look.say("link"), href=link, id="explorer-link", className="button"),
                    " ",
                    html.Button(
                        "CSV", id="explorer-csv", className="button", n_clicks=0, **parts.spoken(look.say("csv"))
                    ),
                    " ",
                    html.A(
                        look.say("package"),
                        href=f"/exports?{selection.query()}&lang={look.language}",
                        id="explorer-package",
                        className="button",
                    ),
                    dcc.Download(id="explorer-download"),
                ],
                className="buttons",
            ),
            html.P(look.say("view_as_text"), className="quiet"),
            html.Details(
                [
                    html.Summary(look.say("request")),
                    html.Pre(
                        json.dumps(request, indent=1, ensure_ascii=False),
                        id="explorer-request",
                        tabIndex=0,
                        **parts.spoken(look.say("request")),
                        role="region",
                    ),
                ]
            ),
            html.Details(
                [
                    html.Summary(look.ctx.t(look.language, "pages.chart.table"), id="explorer-more"),
                    html.Div(id="explorer-table"),
                ]
            ),
        ],
        className="panel view-as",
    )
