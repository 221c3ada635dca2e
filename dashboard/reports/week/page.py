"""The weekly report as HTML: the same template for the web page, for PDF and picture, and as a file of its own."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from classair import i18n
from classair.alerting import links
from classair.config import Config
from classair.timetable import day_start_ms
from classair.units import DAY_MS, HOUR_MS
from dashboard.public.codes import code
from dashboard.reports.engine import ASSETS
from dashboard.reports.paper import paper
from dashboard.reports.shares import KEPT_MS, Shares
from dashboard.reports.week.chart import chart, sample
from dashboard.reports.week.numbers import WeekReport
from dashboard.reports.week.words import words

KIND: Final = "week"
"""Of the signed links."""
SHEET: Final = "assets/public/week.css"
READY_MS: Final = 4 * DAY_MS + 17 * HOUR_MS
"""From the Monday of a week to Friday 17.00, when its reports are made; links end sixty days later."""


@dataclass(frozen=True, slots=True)
class Links:
    """What only the web page has; `pdf` and `png` are empty where they cannot be made."""

    other: str
    other_lang: str
    other_name: str
    pdf: str
    png: str


def token(shares: Shares, report: WeekReport) -> str:
    """For the address of a report, the same each time; "" where links cannot be signed."""
    return shares.token(KIND, (report.room, report.first.isoformat()), until_ms(report.first))


def ready_ms(monday: date) -> int:
    """When a week's reports are made, UTC ms."""
    return day_start_ms(monday) + READY_MS


def until_ms(monday: date) -> int:
    """When its links end, UTC ms."""
    return ready_ms(monday) + KEPT_MS


def address(config: Config, signed: str) -> str:
    """Where parents open it; "" where the dashboard's own address is not configured."""
    where = links.base(config)
    return f"{where}/report/{signed}" if where and signed else ""


def web(report: WeekReport, config: Config, language: str, signed: str, pdf: bool) -> str:
    """The page behind a link. `pdf`: PDF and picture can be had."""
    other = next((one for one in i18n.LANGUAGES if one != language), language)
    here = f"/report/{signed}"
    said = Links(
        f"{here}?lang={other}",
        other,
        i18n.head(other).name,
        f"{here}.pdf?lang={language}" if pdf else "",
        f"{here}.png?lang={language}" if pdf else "",
    )
    sheets = (f"/assets/fonts.css?v={version()}", f"/{SHEET}?v={version()}")
    return _filled(report, config, language, signed, sheets=sheets, links=said)


def printed(report: WeekReport, config: Config, language: str, signed: str) -> str:
    """For the engine of PDF and picture."""
    return _filled(report, config, language, signed, sheets=(SHEET,))


def alone(printed_html: str) -> str:
    """What `printed` gives as a file that stands alone, without a font of its own."""
    return printed_html.replace(f'<link rel="stylesheet" href="{SHEET}">', f"<style>{_whole_style()}</style>", 1)


@lru_cache(maxsize=1)
def _whole_style() -> str:
    hatch = b64encode((ASSETS / "public" / "hatch.svg").read_bytes()).decode()
    return style().replace("url(hatch.svg)", f"url(data:image/svg+xml;base64,{hatch})")


@lru_cache(maxsize=1)
def style() -> str:
    return (ASSETS / "public" / "week.css").read_text("utf-8")


@lru_cache(maxsize=1)
def version() -> str:
    """Changes when the style does, so that browsers may keep it for ever."""
    return hashlib.sha256(style().encode()).hexdigest()[:12]


def title(report: WeekReport, config: Config, language: str) -> str:
    """Of the PDF, as of the page."""
    said = words(report, config, language)
    return f"{said.title} {said.room}"


def _filled(
    report: WeekReport,
    config: Config,
    language: str,
    signed: str,
    *,
    sheets: tuple[str, ...] = (),
    links: Links | None = None,
) -> str:
    said = words(report, config, language)
    where = address(config, signed)
    return paper(
        "week.html",
        language,
        w=said,
        sample=sample,
        chart=chart(report.days, said.summary),
        qr=_code(where, language) if where else "",
        sheets=sheets,
        links=links,
    )


def _code(where: str, language: str) -> Markup:
    named = f"<title>{i18n.t(language, 'week.qr')}</title>"
    return Markup(str(code(where)).replace(">", f">{named}", 1))  # noqa: S704  our text in a drawing of ours
