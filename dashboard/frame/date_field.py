"""A field for a local day, in the calendar of the page's language; page-date-field.js puts it where it is asked for."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from dash import html

from classair import i18n
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html as light


def date_field(
    ctx: Context,
    language: str,
    label: str,
    day: date | str | None,
    *,
    store: str = "",
    name: str = "",
    path: str = "",
    search: str = "",
    last: str = "",
    fault: str = "",
) -> Any:
    """Puts the chosen Gregorian day, ISO 8601, into the `dcc.Store` named `store`, into the form's field `name`, or
    goes to the address `path`?`search`&date=….

    day: a text is what was typed and is no day. last: the last day that the calendar offers. fault: what is wrong with
    what was typed. Without a script the field of a form is the browser's own.
    """
    asked = {"label": label, "value": day.isoformat() if isinstance(day, date) else day or ""}
    said = (("store", store), ("name", name), ("path", path), ("search", search), ("max", last), ("fault", fault))
    asked |= {key: value for key, value in said if value}
    marks = parts.data(**asked, own="", words=json.dumps(words(ctx, language)))
    if store:
        return html.Div(className="date-field", **marks)
    plain = light.Input(type="date", name=name, value=asked["value"])
    without = light.Noscript(light.Label([label, plain])) if name else None
    return light.Div(without, className="date-field", **marks)


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
