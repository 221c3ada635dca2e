"""`classair reports month`: makes the monthly paper as page and PDF, in every language.

It reads the data folder alone. What only the broker knows, when filters are due, is on the page of the running server.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from classair import i18n
from classair.alerting.reading import Records
from classair.config import Config
from classair.places import Places
from classair.stores import StoreAway, open_store
from classair.stores.corrections import accepted_corrections
from classair.stores.sqlite.store import SqliteStore
from dashboard.access.desk_file import DeskFile
from dashboard.context import Context
from dashboard.live.hub import Hub
from dashboard.live.live import Live
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries, StoreUnavailable
from dashboard.reports import engine
from dashboard.reports.month import page
from dashboard.reports.month.numbers import MonthPaper, make, newest
from dashboard.reports.shares import Shares


def month(text: str) -> date:
    """The first day of `2026-11`. Raises argparse.ArgumentTypeError."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month; expected one such as 2026-11") from None


def run(args: argparse.Namespace, places: Places, config: Config) -> int:
    """0 when the paper is there, 1 when it could not be made, 2 for wrong use."""
    now = time.time_ns() // 1_000_000
    first = args.month or newest(now)
    unknown = [site for site in args.site if site not in config.sites]
    if unknown:
        print(f"classair reports: unknown site {unknown[0]!r}; known: {', '.join(config.sites)}", file=sys.stderr)
        return 2
    sites = tuple(site for site in config.sites if not args.site or site in args.site)
    try:
        with _opened(places, config, now) as ctx:
            paper = make(ctx, first, sites)
            folder = _write(ctx, paper, places.reports / "month" / f"{first:%Y-%m}")
            link = page.address(config, page.token(ctx.shares, config, first, sites))
    except ValueError as fault:
        print(f"classair reports: {fault}", file=sys.stderr)
        return 2
    except (StoreAway, StoreUnavailable, OSError) as fault:
        print(f"classair reports: {fault}", file=sys.stderr)
        return 1
    print(folder)
    if link:
        print(link)
    return 0


@contextmanager
def _opened(places: Places, config: Config, now: int) -> Iterator[Context]:
    """What the paper asks, without a running dashboard."""
    store = open_store(config.store, places, readonly=True)
    ledger, desk = SqliteStore(places.readings, readonly=True), DeskFile(places.desk)
    try:
        clock = lambda: now  # noqa: E731
        queries = Queries(lambda: store, lambda: config, ledger, lambda: accepted_corrections(places.readings), clock)
        yield Context(
            config=lambda: config,
            queries=queries,
            live=Live(Hub("", clock), clock),
            now_ms=clock,
            research=Research(lambda: store, lambda: config, places.readings, clock),
            records=Records(places.ledger),
            desk=desk,
            shares=Shares(places.share_key),
        )
    finally:
        desk.close()
        ledger.close()
        store.close()


def _write(ctx: Context, paper: MonthPaper, folder: Path) -> Path:
    """A page that stands alone and a PDF for each language; the PDF only where it can be made."""
    folder.mkdir(parents=True, exist_ok=True)
    why = engine.unavailable()
    if why:
        print(f"PDF cannot be made here ({why}); the page is", file=sys.stderr)
    for language in i18n.LANGUAGES:
        html, name = page.printed(ctx, language, paper), f"month-{paper.first:%Y-%m}-{language}"
        (folder / f"{name}.html").write_text(page.alone(html), "utf-8")
        if not why:
            pdf = engine.render(html, "pdf", title=page.title(ctx, language, paper), language=language)
            (folder / f"{name}.pdf").write_bytes(pdf)
    return folder
