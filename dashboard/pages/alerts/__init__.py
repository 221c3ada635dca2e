"""Alerts: what fires now, who was told, acknowledging and silencing; what was before; and one alert in full."""

from __future__ import annotations

import re
from typing import Final

from classair.alerting.reading import NotKnown
from dashboard.access.roles import Need, Principal
from dashboard.context import Context
from dashboard.pages.alerts.detail import Detail
from dashboard.pages.alerts.history import DAYS, History, kinds
from dashboard.pages.alerts.now import Now

PATH = "/alerts"
ORDER = 15
TITLE_KEY = "alerts_page.title"
NEED = Need.READ

_PLACE: Final = re.compile(r"(\d{1,15})\.([A-Za-z0-9_.-]{1,64})", re.ASCII)
_ALERT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def view(
    ctx: Context,
    language: str,
    reader: Principal,
    alert: str = "",
    show: str = "",
    site: str = "",
    kind: str = "",
    days: str = "",
    before: str = "",
) -> Now | History | Detail | None:
    """`alert`: one in full. `show=history`: those of `site` and `kind` that have changed in the last `days`."""
    if alert:
        return Detail(ctx, language, reader, alert) if _is_there(ctx, alert) else None
    if not show:
        return Now(ctx, language, reader)
    place = _PLACE.fullmatch(before)
    known = (
        show == "history"
        and site in ("", *ctx.config().sites)
        and kind in ("", *kinds(ctx))
        and days in ("", *DAYS)
        and (place is not None or not before)
    )
    if not known:
        return None
    return History(ctx, language, reader, site, kind, days, (int(place[1]), place[2]) if place else None)


def _is_there(ctx: Context, alert: str) -> bool:
    if not _ALERT.fullmatch(alert):
        return False
    try:
        return ctx.records.alert(alert) is not None
    except NotKnown:
        return True  # nobody knows, and the page says so
