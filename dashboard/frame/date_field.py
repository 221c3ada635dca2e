"""A field for a local day, in the calendar of the page's language; page-date-field.js puts it where it is asked for."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from dash import html

from classair import i18n
from dashboard.context import Context
from dashboard.frame import parts


def date_field(
    ctx: Context, language: str, label: str, day: date | None, *, store: str = "", search: str = "", last: str = ""
) -> Any:
    """Puts the chosen Gregorian day, ISO 8601, into the `dcc.Store` named `store`, or goes to its address.

    search: the query of that address without the day. last: the last day that the calendar offers.
    """
    asked = {"label": label, "value": "" if day is None else day.isoformat()}
    asked |= {key: value for key, value in (("store", store), ("search", search), ("max", last)) if value}
    return html.Div(className="date-field", **parts.data(**asked, words=json.dumps(words(ctx, language))))


def words(ctx: Context, language: str) -> dict[str, Any]:
    """What the field says. `ahead`: by how many years the language's calendar runs ahead of the Gregorian one."""
    from babel.dates import get_month_names

    own = i18n.head(language)
    if not own.year_offset:
        return {"ahead": 0}
    return {
        "ahead": own.year_offset,
        **{key: ctx.t(language, f"pages.date.{key}") for key in ("form", "open", "fault")},
        "months": [*get_month_names("wide", locale=own.locale).values()],
        "shortMonths": [*get_month_names("abbreviated", locale=own.locale).values()],
    }
