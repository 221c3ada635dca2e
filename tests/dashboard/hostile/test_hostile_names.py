"""Whatever schools, rooms, people and reports are called: pages show it as text, run nothing of it, and stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
import yaml

from classair.config import parse
from classair.stores.memory.store import MemoryStore
from classair.units import HOUR_MS
from dashboard.tickets.records import NewTicket
from tests.classair.alerting.filled import put_alert
from tests.dashboard.conftest import SCHOOLS, Builder, House, filled_ledger, now_ms, state_of, three_hours
from tests.dashboard.pages.test_every_page import ADDRESSES, LANGUAGES, opened, visit
from tests.neighbours.browser import Chromium

PASSWORD: Final = "a long enough password"
ATTACK: Final = "<script>window.ran=1</script><img src=x onerror='window.ran=2'>"
NAMES: Final = {
    "ban-suan": '"><script>window.ran=3</script> {{7*7}} ${7*7} <%= 7*7 %>',
    "a1-1": "'-window.ran=4-'\"><svg onload=window.ran=5>",
    "p1-2": "</script><script>window.ran=6</script>",
    "p1-10": "‮ป.1/10 gnihtemos\u200b",
    "p4-1": "ห้องเรียนเฉลิมพระเกียรติปั้นน้ำเป็นตัวที่นี่ผู้รู้กู้",
    "yard": "&lt;b&gt;&amp;",
    "rim-khlong": "Q" * 64,
    "a2-1": '=HYPERLINK("http://x","y")',
}
MORE: Final = ("/report?room=ban-suan.p1-2", "/town", "/display/ban-suan.p1-2", "/activity/ban-suan.p1-2", "/training")


@pytest.fixture(scope="module")
def _named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("hostile")
    told = yaml.safe_load(SCHOOLS.read_text("utf-8"))
    for site, one in told["sites"].items():
        one["name"] = NAMES[site]
        for room, settings in one["rooms"].items():
            settings["name"] = NAMES[room]
        for bridge in one["bridges"].values():
            bridge["name"] = ATTACK
    config = parse(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), {})
    store = MemoryStore()
    three_hours(store, "ban-suan.p1-2", "ban-suan.p1-2-pm", 18, now_ms() - HOUR_MS)
    ledger = filled_ledger(folder / "ledger.db")
    put_alert(
        ledger, "al-2", room="ban-suan.p1-2", kind="above", acknowledged_at=now_ms(), acknowledged_by=f"x:{ATTACK}"
    )
    builder = Builder(folder, config)
    house = builder(config=config, store=store, ledger=ledger)
    house.desk.add_account("boss", "admin", PASSWORD)
    for words in (ATTACK, "W" * 200):
        house.app.server.state.ctx.tickets.receive(
            NewTicket("other", "ban-suan", "ban-suan.p1-2", words=words), words[-8:]
        )
    yield house
    builder.close()


@pytest.fixture
def named(_named: House) -> House:
    for room, settings in _named.config.rooms():
        state = state_of(room, 41.3)
        _named.put(state.model_copy(update={"purifier": None}) if settings.outdoor else state)
    return _named


# What a browser would take for markup of a name's: an element or an attribute of it, not its text.
RAW: Final = re.compile(r"<script>window\.ran|<img src=x|<svg onload|onerror='window")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_name_as_markup(named: House, language: str) -> None:
    boss = named.sign_in("boss", PASSWORD.replace(" ", "+"))
    shown = 0
    for path in (*ADDRESSES, *MORE):
        answer = named.ask(f"{path}{'&' if '?' in path else '?'}lang={language}", Cookie=boss["Cookie"])
        assert answer.status in (200, 404), (path, answer.status)
        assert not (found := RAW.search(answer.text)), (path, answer.text[found.start() - 80 : found.end() + 80])
        assert "49 49" not in answer.text, f"{path}: a name was taken for a template"
        shown += "&lt;script&gt;window.ran" in answer.text
    assert shown > 10


def test_no_page_runs_a_name_or_grows_wider_than_the_screen(named: House, chromium: Chromium) -> None:
    page, wrong = opened(chromium, named), []
    page.on("dialog", lambda dialog: wrong.append(("dialog", dialog.message)))
    for path in (*ADDRESSES, *MORE):
        visit(page, named, path, "th")
        page.wait_for_load_state("load")
        if page.evaluate("window.ran") is not None:
            wrong.append((path, "a name was run"))
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 720})
            if (over := page.evaluate(OVER)) > 0:
                wrong.append((path, width, f"{over} px too wide", page.evaluate(WIDEST)))
    assert not wrong, "\n".join(map(str, wrong))


# By how much the page is too wide: a display draws itself anew only once it has heard of the other size.
OVER: Final = """() => new Promise(done => {
  const end = performance.now() + 3000, root = document.documentElement;
  const look = () => { const over = root.scrollWidth - root.clientWidth;
    if (over <= 0 || performance.now() > end) { done(over); } else { requestAnimationFrame(look); } };
  look(); })"""
# The innermost elements that reach beyond the screen.
WIDEST: Final = """() => [...document.querySelectorAll('body *')].filter(one =>
  !one.closest('.scroll, [hidden], svg, details:not([open])') &&
  one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 &&
  ![...one.children].some(inner => inner.getBoundingClientRect().right > document.documentElement.clientWidth + 1))
  .slice(0, 6).map(one => `${one.parentNode.className}>${one.nodeName}.${one.className}#${one.id}`)"""
