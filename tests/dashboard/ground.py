"""A school whose values lie at the limits, and every text that a person reads of it, by page and language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from classair import config as configuration
from classair.alerting.links import make_key
from classair.model import Reading
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.frame import registry
from dashboard.line import air, card
from dashboard.queries.exports import Exports
from dashboard.reports.month import page as month
from dashboard.reports.week import page as week
from dashboard.tickets.records import NewTicket, Reporter
from dashboard.tickets.telling import links
from ingest.books.books import Books
from tests.dashboard.conftest import MONDAY, SCHOOLS, Builder, House, filled_ledger, now_ms, state_of

LANGUAGES: Final = ("th", "en")
PM25: Final = (15.0, 15.04, 15.1, 25.0, 25.2, 37.4, 37.5, 37.6, 75.0, 75.04, 75.1)
CO2: Final = (1000.0, 1001.0, 1500.0, 1504.0, 1506.0, 2000.0, 2001.0)
ROOM: Final = "ban-suan.p1-2"
ROOMS: Final = ("ban-suan.a1-1", ROOM, "ban-suan.p1-10", "ban-suan.p4-1", "rim-khlong.a2-1")
LATE, SILENT, NEVER = "ban-suan.p1-10", "ban-suan.p4-1", "rim-khlong.a2-1"
"""The room whose value is late, the one whose value is old, and the one that was never heard of."""
FRIDAY_MS: Final = MONDAY + 4 * DAY_MS + 15 * HOUR_MS + 50 * MINUTE_MS
_BLOCKS: Final = re.compile(
    "p|div|section|header|footer|main|nav|h[1-4]|[uod]l|li|d[td]|table|t[rdh]|thead|tbody|caption|figure|figcaption|"
    "option|select|button|summary|details|form|label|fieldset|legend|article|aside|title|br"
)
_READ: Final = frozenset({"aria-label", "alt", "title", "placeholder", "data-head"})


def pm25_at(room: int, day: int, minute: int) -> float:
    """Another limit in each quarter of an hour."""
    return PM25[(room * 3 + day * 5 + minute // 15) % len(PM25)]


def write(path: Path, schools: configuration.Config) -> None:
    """Lesson time of Monday to Friday of this week; the third room has nothing on Wednesday."""
    books = Books(path, journal=False)
    version = books.versions.add(SCHOOLS.read_text("utf-8"), MONDAY - 40 * DAY_MS)
    with books.store.transaction():
        moves, _ = books.deployments.plan(schools, MONDAY - 40 * DAY_MS, books.newest_reading)
        books.deployments.apply(moves, version.version)
    found, seq = [], 0
    for number, room in enumerate((*ROOMS[:-1], "ban-suan.yard")):
        for day in range(5):
            for minute in range(8 * 60, 16 * 60):
                if number == 2 and day == 2:
                    continue
                seq += 2
                at = MONDAY + day * DAY_MS + minute * MINUTE_MS
                if at >= FRIDAY_MS:
                    continue
                found.append(_reading(f"{room}-pm", room, seq, at, {"pm25": pm25_at(number, day, minute)}))
                if room != "ban-suan.yard":
                    value = CO2[(number + day + minute // 15) % len(CO2)]
                    found.append(_reading(f"{room}-co2", room, seq + 1, at, {"co2_ppm": value}))
    books.store.write(found)
    books.close()


def _reading(sensor: str, room: str, seq: int, at: int, values: dict[str, float]) -> Reading:
    return Reading(sensor, "ban-suan.suan-pi", "ab12cd34ef", seq, at, values, 60.0, room=room, simulated=True)


class School:
    """The running dashboard; `read` is the text of a page as a person reads it, `pages` where the pages are."""

    def __init__(self, house: House, links: dict[str, str]) -> None:
        self.house, self._links = house, links
        self._boss = {"Cookie": f"classair_session={house.desk.sign_in_as('boss').secret}"}

    def say(self, pm25: float, co2: float, outdoor: float) -> None:
        """States as alerts tells them: known, late, old; nothing was ever heard of the last room."""
        at = now_ms() + self.house.offset_ms
        for room, age in ((ROOMS[0], 60), (ROOM, 30), (LATE, 400), (SILENT, 3600)):
            self.house.put(state_of(room, pm25, co2=co2, outdoor=outdoor, age_s=age, at=at))
        never = state_of(NEVER, None, co2=None, outdoor=None, at=at)
        nothing = {"newest_at": None, "last_at": None, "last_shown": ""}
        self.house.put(never.model_copy(update={"pm25": never.pm25.model_copy(update=nothing)}))

    @property
    def pages(self) -> dict[str, str]:
        """Addresses by name: all working pages there are, and the light ones."""
        working = {page.name: re.sub(r"<(\w+)>", lambda at: self._links[at[1]], page.path) for page in registry.find()}
        light = {
            "display": "/display",
            "town": "/town",
            "report": f"/report?room={ROOM}",
            "activity": f"/activity/{ROOM}?at=09:20&until=09:40",
            "training": "/training?d=co",
            "clean-room": f"/clean-rooms/{ROOMS[0]}",
            **{f"door-{room}": f"/door/{room}" for room in ROOMS},
            **{f"room-{room}": f"/room/{room}" for room in ROOMS},
            **{name: path for name, path in self._links.items() if path.startswith("/")},
        }
        return working | light

    def markup(self, name: str, language: str) -> str:
        path = self.pages[name]
        answer = self.house.ask(f"{path}{'&' if '?' in path else '?'}lang={language}", **self._boss)
        assert answer.status == 200, (path, answer.status, answer.text[:300])
        return answer.text

    def read(self, name: str, language: str) -> str:
        return text_of(self.markup(name, language))

    def said(self, room: str, language: str) -> dict[str, str]:
        """What LINE answers about a room in words and on its card, and what the wall is told."""
        state, now = self.house.live.state(room), now_ms() + self.house.offset_ms
        bubble = json.dumps(card.message(self.house.config, room, state, language, now), ensure_ascii=False)
        answers = {
            "line": air.answer(self.house.config, room, state, language, now),
            "card": "\n".join(re.findall(r'"text": "([^"]*)"', bubble)),
        }
        if state is not None:
            told = state.model_dump(mode="json")["texts"].get(language, {})
            answers["wall"] = "\n".join(str(value) for phase in told.values() for value in phase.values())
        return answers


def shuffled(schools: configuration.Config) -> configuration.Config:
    """The same with schools and rooms in the file the other way round, so that no list is in order by accident."""
    sites = {
        key: site.model_copy(update={"rooms": dict(reversed(site.rooms.items()))})
        for key, site in reversed(schools.sites.items())
    }
    return schools.model_copy(update={"sites": sites, "public_url": "https://air.example"})


@contextmanager
def limits(folder: Path, schools: configuration.Config) -> Iterator[School]:
    places = Places(folder / "data")
    places.root.mkdir()
    write(places.readings, schools)
    schools = shuffled(schools)
    store, builder = SqliteStore(places.readings, readonly=True), Builder(folder, schools)
    exports = Exports(places, SCHOOLS, lambda: FRIDAY_MS, desk=folder / "exports.db")
    ledger = filled_ledger(folder / "ledger.db")
    make_key(folder / "link-key")
    house = builder(store=store, readings=places.readings, exports=exports, ledger=ledger)
    house.offset_ms = FRIDAY_MS - now_ms()
    house.alive()
    house.desk.add_account("boss", "admin", "")
    made = School(house, _links(house, schools))
    made.say(25.2, 1001, 37.4)
    yield made
    builder.close()
    exports.close()
    store.close()


def _links(house: House, schools: configuration.Config) -> dict[str, str]:
    ctx = house.app.server.state.ctx
    monday = date(2026, 11, 23)
    told = NewTicket(kind="purifier_dead", site="ban-suan", room=ROOM, reporter=Reporter("web", "", "th"))
    ticket = ctx.tickets.receive(told, "a")
    return {
        "room": ROOM,
        "episode": "ep-1",
        "week": f"/report/{ctx.shares.token(week.KIND, (ROOM, monday.isoformat()), week.until_ms(monday))}",
        "month": f"/paper/month/{month.token(ctx.shares, schools, date(2026, 11, 1), schools.sites)}",
        "notify": f"/notify/{ctx.links.preferences(schools, 'caretaker', FRIDAY_MS).rpartition('/')[2]}",
        "ticket": links.path(ctx, ticket),
    }


class _Text(HTMLParser):
    """Lines of text; what is hidden from everybody (scripts, styles) is left out, what is spoken is in."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.parts += ["\n"] if _BLOCKS.fullmatch(tag) else []
        self.parts += [f"\n{value}\n" for name, value in attrs if name in _READ and value and tag != "td"]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")
        self.parts += ["\n"] if _BLOCKS.fullmatch(tag) else []

    def handle_data(self, data: str) -> None:
        self.parts += [] if self._silent else [data]


def text_of(markup: str) -> str:
    """What stands on one line on the page stands on one line here; U+00A0 stays what it is."""
    parser = _Text()
    parser.feed(markup)
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip(" ") for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)
