"""Pages behind a link or a wrong form, with the longest names and words: no wider than a phone, and none runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
import yaml

from classair.alerting.links import make_key
from classair.config import parse
from classair.timetable import local_time
from dashboard.door.wishes import Wishes, stop_path
from dashboard.following.followers import Followers
from dashboard.records.book import RecordBook
from dashboard.tickets.records import NewTicket
from dashboard.tickets.telling import links
from tests.dashboard.conftest import SCHOOLS, Builder, House, state_of
from tests.neighbours.browser import Chromium

ROOM: Final = "ban-suan.p1-2"
LONG: Final = "W" * 64
WORDS: Final = "<img src=x onerror=window.ran=1>" + "W" * 200


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    told = yaml.safe_load(SCHOOLS.read_text("utf-8"))
    told["address"] = "http://air.local"
    for site in told["sites"].values():
        site["name"] = LONG
        for room in site["rooms"].values():
            room["name"] = LONG
    folder = tmp_path_factory.mktemp("long")
    make_key(folder / "link-key")
    builder = Builder(folder, parse(yaml.safe_dump(told, allow_unicode=True), {}))
    house = builder()
    house.alive(mail=True)
    house.put(state_of(ROOM))
    yield house
    builder.close()


def linked(house: House) -> Iterator[str]:
    """Addresses that only whoever has the link knows."""
    ctx = house.app.server.state.ctx
    today = local_time(ctx.now_ms()).date()
    wish = Wishes(ctx).make("parent@example.org", ROOM, "th")
    assert wish is not None
    yield f"/follow/{Wishes(ctx).token(wish)}"
    Followers(ctx.desk, ctx.now_ms).follow("mail", "known@example.org", ROOM, "th", weekly=True, alerts=False)
    yield stop_path(ctx, ROOM, "known@example.org")
    book = RecordBook(ctx)
    record = book.ask(ROOM, today - timedelta(days=1), today, WORDS, WORDS, "th")
    book.decide(record.id, "declined", "head:x", WORDS)
    yield f"/record/{book.token(record)}"
    ticket = ctx.tickets.receive(NewTicket("other", "ban-suan", ROOM, words=WORDS), "long")
    ctx.tickets.work.ask(ticket.id, WORDS, "account:x")
    yield links.path(ctx, ticket)
    yield f"/report?room={ROOM}"


def look(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{over} px too wide: {page.evaluate(WIDEST)}"] if over > 0 else []
    found += ["a name was run"] if page.evaluate("window.ran") is not None else []
    return found + [v["id"] for v in Axe().run(page).response["violations"]]


WIDEST: Final = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => `${one.nodeName}.${one.className}`).slice(-5)"""


def test_pages_behind_a_link_fit_a_phone_whatever_their_names(long: House, chromium: Chromium) -> None:
    page = chromium.new_page(viewport={"width": 360, "height": 720})
    wrong = {}
    for path in linked(long):
        page.goto(f"{long.url}{path}{'&' if '?' in path else '?'}lang=th")
        if found := look(page):
            wrong[path[:9]] = found
    assert wrong == {}


def test_a_form_that_comes_back_fits_and_is_read_aloud(long: House, chromium: Chromium) -> None:
    page = chromium.new_page(viewport={"width": 360, "height": 720})
    wrong = {}
    page.goto(f"{long.url}/door/{ROOM}?lang=th")
    page.fill("#mail", WORDS[:190])
    page.click("#follow button")
    assert page.input_value("#mail") == WORDS[:190]
    wrong["mail"] = look(page)
    page.goto(f"{long.url}/report?room={ROOM}&lang=th")
    page.click("label[for=kind-other]")
    page.fill("#words", WORDS)
    page.click("button[value=check]")
    assert WORDS in page.inner_text("main")
    wrong["check"] = look(page)
    page.goto(f"{long.url}/login?lang=th")
    page.evaluate("document.querySelector('#password').maxLength = 5000")
    page.fill("#name", "x")
    page.fill("#password", "x" * 2000)
    page.click("button[type=submit]")
    assert page.get_by_role("alert").is_visible()
    wrong["refused"] = look(page)
    assert wrong == {"mail": [], "check": [], "refused": []}
