"""Makes the files of weekly reports: numbers once, then page, PDF and picture in each language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from classair import i18n
from classair.config import Config
from classair.places import Places
from classair.stores import open_store
from classair.stores.corrections import accepted_corrections
from classair.stores.sqlite.store import SqliteStore
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries
from dashboard.reports import engine
from dashboard.reports.shares import Shares
from dashboard.reports.week import page
from dashboard.reports.week.numbers import WeekSources, make
from dashboard.reports.week.shelf import Kind, Shelf

PAPERS: Final[tuple[Kind, ...]] = ("html", "pdf", "png")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one room's report; `size` in bytes."""

    state: Literal["made", "kept", "failed"]
    size: int = 0
    why: str = ""


@contextmanager
def opened(places: Places, config: Config, now_ms: int) -> Iterator[WeekSources]:
    """Reads the database of a data folder, one reader for all rooms. Raises StoreAway, StoreUnavailable, OSError."""
    store = open_store(config.store, places, readonly=True)
    ledger = SqliteStore(places.readings, readonly=True)
    try:
        queries = Queries(
            lambda: store, lambda: config, ledger, lambda: accepted_corrections(places.readings), lambda: now_ms
        )
        research = Research(lambda: store, lambda: config, places.readings, lambda: now_ms)
        with queries.lessons() as lessons:
            yield WeekSources(config, lessons, queries, research, now_ms)
    finally:
        ledger.close()
        store.close()


class Maker:
    """Makes reports one by one and keeps them; `languages` empty: all."""

    def __init__(
        self, sources: WeekSources, shelf: Shelf, places: Places, languages: tuple[str, ...] = i18n.LANGUAGES
    ) -> None:
        self._sources, self._shelf, self._languages = sources, shelf, languages
        self._shares = Shares(places.share_key)
        self._kinds: tuple[Kind, ...] = ("html",) if engine.unavailable() else PAPERS

    def make(self, room: str, monday: date, *, again: bool = False) -> Made:
        """One that is there whole stays as it is unless `again`. Raises StoreAway, StoreUnavailable, OSError."""
        if not again and self._shelf.whole(room, monday, self._languages, self._kinds):
            return Made("kept")
        config = self._sources.config
        report = make(self._sources, room, monday)
        signed = page.token(self._shares, report)
        papers: dict[tuple[str, Kind], bytes] = {}
        for language in self._languages:
            html = page.printed(report, config, language, signed)
            papers[language, "html"] = page.alone(html).encode()
            if "pdf" in self._kinds:
                title = page.title(report, config, language)
                try:
                    pdf, png = engine.both(html, title=title, language=language)
                except Exception as error:
                    # One room's oddity must not keep a thousand others from their parents.
                    return Made("failed", why=f"{type(error).__name__}: {error}")
                papers[language, "pdf"], papers[language, "png"] = pdf, png
        return Made("made", self._shelf.put(report, papers))
