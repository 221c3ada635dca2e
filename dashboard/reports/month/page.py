"""The monthly paper as HTML: one template for the page behind a link and for the PDF."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from classair import i18n
from classair.alerting import links
from classair.config import Config
from classair.timetable import day_start_ms, local_time
from dashboard.context import Context
from dashboard.reports.engine import ASSETS
from dashboard.reports.month.numbers import MonthPaper, after
from dashboard.reports.month.words import words
from dashboard.reports.paper import paper
from dashboard.reports.shares import KEPT_MS, Shares

KIND: Final = "month"
"""Of the signed links."""
SHEET: Final = "assets/public/paper.css"
MOST_NAMED: Final = 12
"""More schools than so many are meant by "": an address has a longest length."""


@dataclass(frozen=True, slots=True)
class Links:
    """What only the web page has; `pdf` is empty where it cannot be made."""

    other: str
    other_lang: str
    other_name: str
    pdf: str


def token(shares: Shares, config: Config, first: date, sites: Collection[str]) -> str:
    """For the address of a paper about these schools; "" where links cannot be signed, or for too many to be named."""
    chosen = sorted(sites)
    every = set(chosen) >= set(config.sites)
    if not every and len(chosen) > MOST_NAMED:
        return ""
    until = day_start_ms(after(first)) + KEPT_MS
    return shares.token(KIND, (f"{first:%Y-%m}", "*" if every else " ".join(chosen)), until)


def about(config: Config, said: tuple[str, ...]) -> tuple[date, tuple[str, ...]] | None:
    """The month and the schools that a link says; None for one that makes no sense any more."""
    if len(said) != 2:
        return None
    try:
        first = date.fromisoformat(f"{said[0]}-01")
    except ValueError:
        return None
    sites = tuple(config.sites) if said[1] == "*" else tuple(site for site in said[1].split() if site in config.sites)
    return (first, sites) if sites else None


def address(config: Config, signed: str) -> str:
    """Where people open it; "" where the dashboard's own address is not configured."""
    where = links.base(config)
    return f"{where}/paper/month/{signed}" if where and signed else ""


def web(ctx: Context, language: str, made: MonthPaper, signed: str, pdf: bool) -> str:
    """The page behind a link. `pdf`: it can be had as PDF."""
    other = next((one for one in i18n.LANGUAGES if one != language), language)
    here = f"/paper/month/{signed}"
    said = Links(f"{here}?lang={other}", other, i18n.head(other).name, f"{here}.pdf?lang={language}" if pdf else "")
    sheets = (f"/assets/fonts.css?v={version()}", f"/{SHEET}?v={version()}")
    return _filled(ctx, language, made, sheets, said)


def printed(ctx: Context, language: str, made: MonthPaper) -> str:
    """For the engine of PDF and picture."""
    return _filled(ctx, language, made, (SHEET,), None)


def alone(printed_html: str) -> str:
    """What `printed` gives as a file that stands alone, without a font of its own."""
    style = (ASSETS / "public" / "paper.css").read_text("utf-8")
    return printed_html.replace(f'<link rel="stylesheet" href="{SHEET}">', f"<style>{style}</style>", 1)


def title(ctx: Context, language: str, made: MonthPaper) -> str:
    return words(ctx, language, made).title


@lru_cache(maxsize=1)
def version() -> str:
    """Changes when the style does, so that browsers may keep it for ever."""
    return hashlib.sha256((ASSETS / "public" / "paper.css").read_bytes()).hexdigest()[:12]


def _filled(ctx: Context, language: str, made: MonthPaper, sheets: tuple[str, ...], links_: Links | None) -> str:
    time = i18n.show_date(local_time(made.made_ms), language, "day_time")
    return paper("month.html", language, w=words(ctx, language, made), made=time, sheets=sheets, links=links_)
