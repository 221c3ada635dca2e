"""Every address that answers GET, in a town whose every name and every written word is hostile.

Pages, streams and papers are taken apart by a parser, as a browser does: whatever a name became is text there.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from classair.alerting.links import make_key
from classair.config import Config, parse
from classair.places import Places
from classair.science.corrections import Corrections
from classair.stores.events import make_table
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS
from dashboard.queries.exports import Exports
from dashboard.records.book import RecordBook
from dashboard.reports.engine import unavailable
from dashboard.reports.month import page as month
from dashboard.reports.week import page as week
from dashboard.tickets.records import NewTicket
from dashboard.tickets.telling import links
from research.export.request import Request
from research.export.side_tables import tables, written
from research.export.sources import opened
from research.selection import Selection
from tests.classair.alerting.filled import empty_ledger, put, put_alert, put_notification
from tests.dashboard.conftest import MONDAY, SCHOOLS, Answered, Builder, House, now_ms, state_of

PASSWORD: Final = "a long enough password"
ROOM: Final = "ban-suan.p1-2"
DAY: Final = "2026-11-23"
MOMENTS: Final = f"start={DAY}T09:00:00%2B07:00&end={DAY}T10:00:00%2B07:00"
DAYS: Final = f"first={DAY}&last={DAY}"
# What a configuration takes as a name: 64 characters, none of them a control character.
NAMES: Final = (
    "<script>window.ran=1</script>",
    '"><img src=x onerror=window.ran=2>',
    "'><svg/onload=window.ran=3>",
    "</script><script>window.ran=4</script>",
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "‮nwod edispu <marquee>\u2066⁦",
    "\u200b\u200d\ufeff<blink>",
    "เพี้ยน้ํ้ี้กู้ป์่๊๋" + "\u0e49" * 20,
    "W" * 64,
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-2+3",
    "＝1+1",
    "]]><!--&amp;&lt;b&gt;",
    "javascript:window.ran=5",
)
# What people write may hold anything at all.
WORDS: Final = (
    " ".join(NAMES[:7]),
    "a\x00b\r\nSet-Cookie: x=1\r\n\r\n<script>window.ran=6</script>\x1b[31m\x07",
    "W" * 200,
    *NAMES[9:14],
    "\t=1+1",
    " \u00a0=1+1",
    "\r=1+1",
)


def hostile(told: dict[str, Any]) -> Config:
    """The demo's schools with other names, each with another one."""
    left = iter(NAMES * 8)
    for site in told["sites"].values():
        site["name"] = next(left)
        for part in ("rooms", "bridges", "sensors", "purifiers"):
            for one in (site.get(part) or {}).values():
                if part in ("rooms", "bridges"):
                    one["name"] = next(left)
    for unit in told.get("tickets", {}).get("units", {}).values():
        unit["name"] = next(left)
    told["address"] = "http://air.local"
    return parse(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), {})


def write_words(ledger: Path, readings: Path) -> None:
    empty_ledger(ledger)
    every = "\n".join(WORDS)
    at = MONDAY + 9 * HOUR_MS
    put_alert(ledger, "al-1", acknowledged_at=at, acknowledged_by=f"account:{WORDS[0]}", since=at, fired_at=at)
    put_notification(ledger, "n-1", "al-1", channel="line", delivered_at=at, reached=1, person=WORDS[0])
    put(ledger, "silence", id="si-1", at=at, until=MONDAY + 9 * DAY_MS, site="ban-suan", room="", subject="", rule="",
        who=f"account:{WORDS[1]}", why=every)  # fmt: skip
    put(ledger, "episode", id="ep-1", name=every, sites='["ban-suan"]', opened_at=at, opened_by=WORDS[0], why=every,
        closed_at=at + HOUR_MS, closed_by=WORDS[1], summary=every)  # fmt: skip
    put(ledger, "episode", id="ep-2", name=WORDS[0], sites='["ban-suan"]', opened_at=at + 2 * HOUR_MS,
        opened_by=WORDS[0], why=every)  # fmt: skip
    for episode in ("ep-1", "ep-2"):
        put(ledger, "episode_task", id=f"et-{episode}", episode=episode, at=at, words=every, site="ban-suan", room=ROOM,
            owner=WORDS[0], due_at=at, done_at=at + 1, done_by=WORDS[1], note=every)  # fmt: skip
        put(ledger, "episode_log", episode=episode, at=at, who=WORDS[1], what="note", words=every)
    with closing(sqlite3.connect(readings)) as connection, connection:
        make_table(connection)
        connection.executemany(
            "insert into event(id, site, room, kind, start_ms, end_ms, note, added_by, added_at, withdrawn_by, "
            "question, result) values(?, 'ban-suan', ?, ?, ?, ?, ?, ?, ?, '', ?, ?)",
            [
                (f"ev-{n}", ROOM, kind, at, at + HOUR_MS, word, word, at, word, word)
                for n, word in enumerate(WORDS)
                for kind in (["cleaning", "other", "airing"][n % 3],)
            ],
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, readings: Path) -> Iterator[House]:
    """A day has been measured, everything has been written, it is the Saturday after."""
    root = tmp_path_factory.mktemp("town")
    places = Places(root)
    with closing(sqlite3.connect(readings)) as source, closing(sqlite3.connect(places.readings)) as copy:
        source.backup(copy)
    make_key(root / "link-key")
    config = hostile(yaml.safe_load(SCHOOLS.read_text("utf-8")))
    write_words(root / "ledger.db", places.readings)
    store, builder = SqliteStore(places.readings, readonly=True), Builder(root, config)
    exports = Exports(places, SCHOOLS, now_ms, desk=root / "exports.db")
    house = builder(store=store, readings=places.readings, ledger=root / "ledger.db", exports=exports)
    house.offset_ms = MONDAY + 5 * DAY_MS + 9 * HOUR_MS - now_ms()
    house.alive(mail=True)
    house.desk.add_account("boss", "admin", PASSWORD)
    tickets = house.app.server.state.ctx.tickets
    for number, words in enumerate(WORDS):
        one = tickets.receive(NewTicket("other", "ban-suan", ROOM, words=words), f"w{number}")
        tickets.add_words(one.id, words)
    tickets.work.ask(1, WORDS[1], f"account:{WORDS[0]}")
    tickets.work.decline(2, WORDS[0], WORDS[1], "account:boss")
    tickets.work.merge(3, 4, "account:boss", WORDS[0])
    for room, settings in config.rooms():
        state = state_of(room, 41.3, at=now_ms() + house.offset_ms)
        house.put(state.model_copy(update={"purifier": None}) if settings.outdoor else state)
    yield house
    builder.close()
    exports.close()
    store.close()


@pytest.fixture(scope="module")
def boss(town: House) -> dict[str, str]:
    agent = {"User_Agent": NAMES[0]}
    body = f"name=boss&password={PASSWORD.replace(' ', '+')}&remember=yes".encode()
    town.ask("/login", "POST", body=body, Content_Type="application/x-www-form-urlencoded", Origin=town.url, **agent)
    town.ask(f"/nowhere/{'<script>window.ran=7</script>'.replace('/', '%2F')}", "POST", body=b"{}", **agent)
    return town.sign_in("boss", PASSWORD.replace(" ", "+"))


def addresses(house: House) -> dict[str, str]:
    """An address of every route that answers GET."""
    ctx = house.app.server.state.ctx
    monday = date.fromisoformat(DAY)
    asked = RecordBook(ctx).ask(ROOM, monday, monday, WORDS[0], WORDS[1], "en")
    of_week = ctx.shares.token(week.KIND, (ROOM, DAY), week.until_ms(monday))
    of_month = month.token(ctx.shares, house.config, date(2026, 11, 1), tuple(house.config.sites))
    ticket = links.path(ctx, ctx.tickets.get(1)).rpartition("/")[2]
    person = ctx.links.preferences(house.config, next(iter(house.config.people)), ctx.now_ms()).rpartition("/")[2]
    more = {
        "/api/v1/rooms/{room}/series": f"?{MOMENTS}",
        "/api/v1/rooms/{room}/estimates": f"?{DAYS}",
        **{f"/api/v1/rooms/{{room}}/{name}": f"?{MOMENTS}" for name in ("nowcast", "told")},
        "/api/v1/rooms/{room}/week": f"?day={DAY}",
        "/api/v1/sensors/{sensor}/missing": f"?{MOMENTS}",
        "/api/v1/table": f"?rooms={ROOM}&{DAYS}",
        **{f"/api/v1/{name}": f"?room={ROOM}&{MOMENTS}" for name in ("readings", "flags", "rollups")},
        "/api/v1/calendar": f"?room={ROOM}&{DAYS}",
        **{f"/api/v1/{name}": f"?site=ban-suan&{DAYS}" for name in ("versions", "events", "tickets/figures")},
        "/api/v1/deployments": "?site=ban-suan",
        "/api/v1/data": f"?rooms={ROOM}&{DAYS}&step=1h",
        "/api/v1/alerts": "?site=ban-suan",
        "/explorer": f"?rooms={ROOM}&{DAYS}",
        "/report": f"?room={ROOM}",
        **{f"/live/{name}": f"?room={ROOM}&once=true" for name in ("room", "purifier", "room/estimates")},
        "/live/room/table": f"?room={ROOM}&chart=pm25",
        "/live/episode_report": "?episode=ep-1&once=true",
        "/door/{room}/live": "?once=true",
    }
    tokens = {"/report/": of_week, "/paper/": of_month, "/ticket/": ticket, "/notify/": person}
    tokens["/record/"] = RecordBook(ctx).token(asked)
    places = {"room": ROOM, "sensor": f"{ROOM}-pm", "purifier": f"{ROOM}-fan", "episode": "ep-1", "ticket": "1",
              "alert": "al-1", "kind": "Things", "key": ROOM, "link": "Datastreams"}  # fmt: skip
    found = {}
    for (method, route), need in house.app.needs.items():
        if method != "GET" or need.value == "nobody" or route in ENDLESS or route.startswith(OF_DASH):
            continue
        token = next((known for start, known in tokens.items() if route.startswith(start)), "x")
        filled_in = {**places, "token": token}
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda part, known=filled_in: known.get(part[1], "x"), route)  # type: ignore[misc]
        query = more.get(route, "?once=true" if route.startswith("/live/") else "")
        found[route] = path + query
    return found


OF_DASH: Final = ("/_dash-component-suites", "/_favicon", "/assets")
ENDLESS: Final = ("/api/live", "/display/{room}/live")
# Without what they need there is nothing to see at these addresses.
NOT_HERE: Final = {
    **dict.fromkeys(("/api/v1/exports/{export}", "/api/v1/exports/{export}/package", "/{rest:path}"), 404),
    **dict.fromkeys(("/follow/{token}", "/unfollow/{token}", "/photo/{token}", "/record/{token}/{name}"), 404),
    **dict.fromkeys(("/login/from/{name}", "/login/with/{name}"), 404),
}


class Markup(HTMLParser):
    """Finds what no template of ours writes: a name that has become an element or an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._script = ""
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: (value or "").strip().lower() for key, value in attrs}
        self._script = told.get("type", "text/javascript") if tag == "script" else ""
        for key, value in told.items():
            runs = key in ("href", "src", "action", "formaction") and value.startswith("javascript:")
            if key.startswith("on") or runs:
                self.wrong.append(f"<{tag} {key}={value!r}>")
        if tag in ("marquee", "blink") or (tag, told.get("src")) == ("img", "x"):
            self.wrong.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self._script and "window.ran" in data and (self._script != "application/json" or "<" in data):
            self.wrong.append(f"script: {data[:80]}")
        self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._script = ""


def markup_of(text: str) -> list[str]:
    parser = Markup()
    parser.feed(text)
    parser.close()
    ran = re.search(r"49[$<#]|[}>]49\b", "".join(parser.text))
    return parser.wrong + (["a template ran"] if ran else [])


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, str):
        yield value


def faults(route: str, answer: Answered) -> list[str]:
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if "Set-Cookie: x" in str(answer.headers):
        return ["a header was written by a name"]
    match kind:
        case "text/html":
            return markup_of(answer.text)
        case "text/event-stream":
            pieces = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
            shown = [one for piece in pieces for one in texts_of(piece) if "</" in one and "class=" in one]
            return [wrong for one in shown for wrong in markup_of(one)]
        case "application/json":
            json.loads(answer.body)
            return []
        case "text/csv":
            return cells(answer.body)
        case "application/pdf":
            return [] if answer.body.startswith(b"%PDF") else ["no PDF"]
        case "image/png":
            return [] if answer.body.startswith(b"\x89PNG") else ["no PNG"]
        case "text/plain" | "text/javascript" | "application/vnd.apache.arrow.stream":
            return []
    return [f"what is {kind!r}?"]


FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")


def cells(body: bytes) -> list[str]:
    """What a spreadsheet would run."""

    def runs(cell: str) -> bool:
        try:
            float(cell)
        except ValueError:
            return cell.lstrip(" \u00a0\u3000").startswith(FORMULA) or cell.startswith(FORMULA)
        return False

    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return [f"a formula: {cell[:40]!r}" for row in rows for cell in row if runs(cell)]


@pytest.mark.parametrize("language", ["th", "en"])
def test_at_no_address_a_name_is_more_than_text(town: House, boss: dict[str, str], language: str) -> None:
    wrong, shown = [], set()
    for route, address in addresses(town).items():
        if route.endswith((".pdf", ".png")):
            continue
        asked = address if route.startswith("/sta") else f"{address}{'&' if '?' in address else '?'}lang={language}"
        accept = "text/html" if not route.startswith(("/api", "/live", "/sta")) else "*/*"
        answer = town.ask(asked, Cookie=boss["Cookie"], Accept=accept)
        if answer.status != NOT_HERE.get(route, 200):
            wrong.append(f"{asked}: {answer.status} {answer.body[:200]!r}")
        wrong += [f"{asked}: {fault}" for fault in faults(route, answer)]
        if "window.ran" in answer.body.decode("utf-8", "replace"):
            shown.add(route)
    assert not wrong, "\n".join(wrong)
    assert len(shown) > 25, sorted(shown)


@pytest.mark.thorough
@pytest.mark.skipif(bool(unavailable()), reason=unavailable())
def test_papers_and_pictures_are_made_and_hold_the_names_as_text(town: House, boss: dict[str, str]) -> None:
    import pypdfium2

    papers = [route for route in addresses(town) if route.endswith((".pdf", ".png"))]
    for route, address in ((route, addresses(town)[route]) for route in papers):
        answer = town.ask(f"{address}?lang=en", Cookie=boss["Cookie"])
        assert (answer.status, faults(route, answer)) == (200, []), (route, answer.body[:300])
        if route.endswith(".pdf"):
            paper = pypdfium2.PdfDocument(answer.body)
            text = "".join(one.get_textpage().get_text_range() for one in paper)
            assert "<script>window.ran" in re.sub(r"\s", "", text), route
    assert len(papers) >= 5


def test_no_cell_of_an_export_is_run_by_a_spreadsheet(town: House) -> None:
    day = date.fromisoformat(DAY)
    request = Request(selection=Selection(rooms=(ROOM,), first=day, last=day))
    with opened(Places(town.app.server.state.ctx.folder), town.config) as sources:
        made = {name: written(table) for name, table in tables(sources, request, Corrections(), (), ()).items()}
    assert [f"{name} {fault}" for name, body in made.items() for fault in cells(body)] == []
    notes = made["events.csv"].decode("utf-8-sig")
    assert all(one in notes for one in ("'=HYPERLINK(", "'@SUM(1)", "'\t=1+1", "<script>"))


def test_the_walk_would_find_a_name_that_is_not_text() -> None:
    for name in (one for one in NAMES if "ran=" in one or one.endswith("e>")):
        shown = f"<a href='{name}' title=\"{name}\">{name}</a>"
        assert markup_of(shown), name
        assert markup_of(f'<a title="{html.escape(name)}">{html.escape(name)}</a>') == [], name
    for ran in ("49${7*7}<%= 7*7 %>", "{{7*7}}49<%= 7*7 %>", "${7*7}49#{7*7}"):
        assert markup_of(html.escape(ran)) == ["a template ran"]
    assert cells(b"1,-2,+66 x\r\n'=1,-1+2,x\r\n") == ["a formula: '+66 x'", "a formula: '-1+2'"]
