"""Every page there is, found in the registry, in both languages: what it weighs, what it is without scripts, how it
looks in the light and in the dark, on every screen it may meet, and what it says to wrong answers.

One browser and one server for all; a new page is looked at without being named here. A page with a new kind of place in
its address says in PLACES which one to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from classair.config import Config
from classair.places import Places
from classair.stores.sqlite.store import SqliteStore
from classair.timetable import local_time
from dashboard.context import Context
from dashboard.frame import registry
from dashboard.frame.page import Page
from dashboard.queries.exports import Exports
from dashboard.reports.month import page as month_page
from dashboard.reports.week import page as week_page
from dashboard.reports.week.numbers import monday_of
from tests.dashboard.conftest import MONDAY, Builder, House, filled_ledger, state_of
from tests.neighbours.browser import Chromium

LANGUAGES: Final = ("th", "en")
MOST_BYTES: Final = 250_000
SCREENS: Final = ((1920, 1080), (1280, 720), (1024, 600), (800, 1280), (360, 640), (320, 640))
PLACES: Final = {"room": "ban-suan.p1-2", "episode": "ep-1"}
PUBLIC: Final = ("/login", "/display", "/door/ban-suan.p1-2", "/nowhere-at-all")
READ: Final = (
    "/report?room=ban-suan.p1-2",
    "/activity/ban-suan.p1-2",
    "/training?d=co",
    "/reports",
    "/episode/ep-1/report",
)
"""What parents, classes and a town read, beside the papers of this house: axe looks at them on a phone and a screen."""
TARGET_PX: Final = 44
"""Links inside a sentence may be smaller (WCAG 2.5.8)."""

# Whatever is wider than the page, cut, or too small to be touched.
LOOK: Final = """() => {
  const shown = node => { const box = node.getBoundingClientRect(); const style = getComputedStyle(node);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.display !== 'none'; };
  const name = node => `${node.nodeName.toLowerCase()}.${node.className}: ` +
    (node.innerText || node.value || '').slice(0, 40);
  const found = [];
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) { found.push(`the page is ${over} px too wide`); }
  document.querySelectorAll('body *').forEach(node => {
    if (!shown(node) || node.closest('svg, .js-plotly-plot, [hidden], .visually-hidden, .scroll')) { return; }
    const style = getComputedStyle(node);
    const text = [...node.childNodes].some(one => one.nodeType === 3 && one.data.trim());
    if (text && ['hidden', 'clip'].includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1) {
      found.push(`cut: ${name(node)}`);
    }
    if (text && style.textOverflow === 'ellipsis' && node.scrollWidth > node.clientWidth) {
      found.push(`shortened: ${name(node)}`);
    }
  });
  document.querySelectorAll('a, button, summary, select, input, textarea').forEach(node => {
    if (!shown(node) || node.disabled || node.closest('[hidden], .js-plotly-plot') || node.tabIndex < 0) { return; }
    if (node.nodeName === 'A' && getComputedStyle(node).display === 'inline') { return; }
    const label = node.id ? document.querySelector(`label[for="${node.id}"]`) : null;
    const whole = node.closest('label, .mantine-InputWrapper-root, .mantine-Checkbox-root') || label || node;
    const box = whole.getBoundingClientRect();
    const own = node.getBoundingClientRect();
    if (own.bottom < 0 || own.right < 0) { return; }  /* the way to the content, which shows when it has the focus */
    if (Math.max(box.height, own.height) < TARGET - 0.5 || Math.max(box.width, own.width) < TARGET - 0.5) {
      found.push(`small: ${name(node)} ${Math.round(own.width)}×${Math.round(own.height)}`);
    }
  });
  return found;
}""".replace("TARGET", str(TARGET_PX))


def address(page: Page) -> str:
    return re.sub(r"<(\w+)>", lambda found: PLACES.get(found[1], "none"), page.path)


PAGES: Final = {page.name: page for page in registry.find()}
ADDRESSES: Final = [address(page) for page in PAGES.values()] + list(PUBLIC)


def papers(house: House) -> list[str]:
    """A room's week and the schools' month, behind the links that are sent."""
    ctx: Context = house.app.server.state.ctx
    monday = monday_of(local_time(ctx.now_ms()).date()) - timedelta(days=7)
    week = ctx.shares.token(week_page.KIND, (PLACES["room"], monday.isoformat()), week_page.until_ms(monday))
    first = monday.replace(day=1)
    month = month_page.token(ctx.shares, house.config, first, house.config.sites)
    assert week and month
    return [f"/report/{week}", f"/paper/month/{month}"]


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory, schools: Config, readings: Path) -> Iterator[House]:
    """A dashboard with everything that a page may show, and an administrator."""
    folder = tmp_path_factory.mktemp("every-page")
    builder = Builder(folder, schools)
    store = SqliteStore(readings, readonly=True)
    (folder / "data").mkdir()
    exports = Exports(Places(folder / "data"), Path("sensors.yaml").resolve(), lambda: MONDAY)
    house = builder(store=store, readings=readings, exports=exports, ledger=filled_ledger(folder / "ledger.db"))
    house.desk.add_account("boss", "admin", "a long enough password")
    yield house
    builder.close()
    exports.close()
    store.close()


@pytest.fixture
def whole(_whole: House) -> House:
    for room in ("a1-1", "p1-2", "p1-10"):
        _whole.put(state_of(f"ban-suan.{room}"))
    _whole.put(state_of("ban-suan.p4-1", 41.3))
    return _whole


def opened(chromium: Chromium, house: House, **options: Any) -> Any:
    """A page in a context of its own, as the administrator."""
    page = chromium.new_page(**{"viewport": {"width": 1280, "height": 720}, **options})
    cookies = house.sign_in("boss", "a+long+enough+password")["Cookie"].split("; ")
    page.context.add_cookies(
        [{"name": n, "value": v, "url": house.url} for n, v in (cookie.split("=", 1) for cookie in cookies)]
    )
    return page


def visit(page: Any, house: House, path: str, language: str) -> Any:
    page.goto(f"{house.url}{path}{'&' if '?' in path else '?'}lang={language}")
    page.wait_for_selector("h1", timeout=60_000)
    page.evaluate("() => document.fonts.ready")
    return page


# -- weight ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_draws_nothing_weighs_less_than_250_kb_and_what_it_brings_is_kept(
    whole: House, chromium: Chromium, language: str
) -> None:
    """A page of Dash with a chart weighed 1.1 MB, and so did those without."""
    page, weights, sizes, answers = opened(chromium, whole), {}, [], []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("response", lambda answer: answers.append(answer))
    for name, one in PAGES.items():
        page.goto("about:blank")
        sizes.clear()
        answers.clear()
        visit(page, whole, address(one), language)
        page.wait_for_load_state("load")
        weights[name] = sum(sizes)
        for answer in answers:
            if "/assets/" in answer.url or "/_dash-component-suites/" in answer.url:
                headers = answer.all_headers()
                assert headers["cache-control"] == "public, max-age=31536000, immutable", answer.url
                if re.search(r"\.(css|js)\b", answer.url):
                    assert headers["content-encoding"] == "gzip", answer.url
        plotly = any("plotly" in answer.url for answer in answers)
        assert plotly == (one.charts or not one.light), f"{name} loads what draws charts and has none"
    assert {n: w for n, w in weights.items() if w > MOST_BYTES and PAGES[n].light and not PAGES[n].charts} == {}


@pytest.mark.thorough
def test_a_file_asked_for_by_another_digest_is_not_kept_for_ever(whole: House) -> None:
    """A page from before an upgrade may not fix what is new under an old name."""
    assert whole.ask("/assets/page-style.css?v=000000000000").headers["Cache-Control"] == "no-cache"
    assert whole.ask("/assets/page-style.css").headers["Cache-Control"] == "no-cache"
    first = whole.ask("/assets/page-style.css")
    assert whole.ask("/assets/page-style.css", If_None_Match=first.headers["ETag"]).status == 304
    for path in (
        "/assets/pages/room/__init__.py",
        "/assets/pages/room/locales/en.toml",
        "/assets/../app.py",
        "/assets/%00",
    ):
        assert whole.ask(path).status == 404


# -- without scripts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_overview_and_room_show_their_numbers_before_any_script_runs(
    whole: House, chromium: Chromium, language: str
) -> None:
    page = opened(chromium, whole, java_script_enabled=False)
    visit(page, whole, "/", language)
    assert page.locator(".card", has_text="4/1").locator(".value .if-known").inner_text().split()[0] == "41"
    visit(page, whole, "/room/ban-suan.p4-1", language)
    assert page.locator("#room-now .value .if-known").inner_text().split()[0] == "41"
    assert page.locator("#room-pm25-text .summary").count() == 1
    page.locator(".menu summary").click()
    assert page.locator(".menu-list .nav-link").first.is_visible() or page.locator(".menu-list .nav-link").count() > 4


# -- how it looks ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_or_too_small_on_any_screen_and_both_looks_can_be_read(
    whole: House, chromium: Chromium, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe, wrong = Axe(), []
    page = opened(chromium, whole)
    read = {*READ, *papers(whole)}
    for path in dict.fromkeys([*ADDRESSES, *READ, *papers(whole)]):
        page.set_viewport_size({"width": 1280, "height": 720})
        page.emulate_media(color_scheme="light")
        visit(page, whole, path, language)
        assert page.evaluate("() => document.documentElement.lang") == language
        text = page.locator("body").inner_text()
        if unfilled := re.search(r".{0,20}(\{\w+\}|\bNone\b(?!\.)|undefined|NaN)", text):
            wrong.append((path, "a place was left unfilled", unfilled[0]))
        for width, height in SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            wrong += [(path, f"{width}×{height}", one) for one in page.evaluate(LOOK)]
            if path in read and width in (1280, 360):
                for found in axe.run(page).response["violations"]:
                    wrong.append((path, width, found["id"], found["nodes"][0]["html"][:160]))
        for look, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            page.emulate_media(color_scheme=look)
            page.evaluate("() => Promise.all(document.getAnimations().map(one => one.finished.catch(() => 0)))")
            for found in axe.run(page, options=rules).response["violations"]:
                wrong.append((path, look, found["id"], found["nodes"][0]["html"][:160]))
    assert not wrong, "\n".join(map(str, wrong))
    assert chromium.errors == []


@pytest.mark.parametrize("path", ["/", "/login"])
def test_a_chosen_look_is_kept_for_the_pages_that_follow(whole: House, chromium: Chromium, path: str) -> None:
    page = chromium.new_page(color_scheme="light")
    ground = "() => getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()"

    def chosen(look: str) -> str:
        with page.expect_navigation(wait_until="load"):  # before it no style sheet may have come
            page.locator(f".to-{look}:visible").click()
        return str(page.evaluate(ground))

    visit(page, whole, path, "en")
    page.wait_for_load_state("load")
    light = page.evaluate(ground)
    dark = chosen("dark")
    assert light and dark and dark != light
    visit(page, whole, "/health", "en")
    page.wait_for_load_state("load")
    assert page.evaluate(ground) == dark
    assert chosen("light") == light


def test_the_folded_menu_opens_with_the_keyboard_and_closes_with_escape(whole: House, chromium: Chromium) -> None:
    page = opened(chromium, whole, viewport={"width": 360, "height": 640})
    visit(page, whole, "/", "th")
    page.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    entries = page.locator(".menu-list .nav-link:visible")
    assert entries.count() == sum(one.in_menu for one in PAGES.values()) >= 6
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('.menu-list') !== null")
    page.keyboard.press("Escape")
    assert entries.count() == 0
    assert page.evaluate("() => document.activeElement.nodeName") == "SUMMARY"


# -- what it says to wrong answers -------------------------------------------------------------------------------------

RAW: Final = re.compile(
    r"Input should|Value error|value_error|validation|Traceback|Field required|string_|must be|must not|expected |"
    r"JSON|\bpattern\b|\[type=|\bbody\.|unknown room|\b422\b"
)
LATIN: Final = re.compile(r"[A-Za-z][A-Za-z.]{2,}")
LATIN_ALLOWED: Final = frozenset(
    {
        "alerts",
        "ppm",
        "PM2.5",
        "CO2",
        "DOI",
        "CC",
        "BY",
        "ClassAir",
        "CSV",
        "NetCDF",
        "Parquet",
        "API",
        "LINE",
        "zenodo",
        "docs",
    }
)
"""What a message on a Thai page may say in Latin letters: names of things that have no other."""
MESSAGES: Final = (
    ".field-fault, .date-fault, #page-said, .wrong, .said, .notice[role=alert], [role=alert], .says, "
    ".mantine-InputWrapper-error"
)
SAYS: Final = "places => [...document.querySelectorAll(places)].some(one => one.innerText.trim())"
WRONG: Final = "x̂ผิด<b>99</b>"


def fill_wrongly(form: Any) -> dict[str, str]:
    """Something that means nothing into every field that can be typed into; what was typed, by name."""
    typed = {}
    for field in form.locator(
        "input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file]), textarea"
    ).all():
        if not field.is_visible() or not field.is_editable():
            continue
        kind, name = field.get_attribute("type") or "text", field.get_attribute("name") or ""
        if kind in ("date", "time", "datetime-local", "month"):
            continue  # a browser takes nothing wrong there
        field.fill("99999" if kind == "number" else WRONG[: int(field.get_attribute("maxlength") or 99)])
        # A person's address never stands in that of a page, so it is asked for again.
        if kind not in ("password", "email") and name:
            typed[name] = field.input_value()
    for box in form.locator("input[type=checkbox]").all():
        if box.is_visible() and box.is_checked():
            box.uncheck()
    return typed


def said(page: Any) -> str:
    found = [one.inner_text() for one in page.locator(MESSAGES).all() if one.is_visible()]
    return "\n".join(text for text in found if text.strip())


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_answers_wrong_things_in_the_pages_words_and_keeps_them(
    whole: House, chromium: Chromium, language: str
) -> None:
    """Raw words of a validator stood on a Thai page, and a form forgot what was typed."""
    from playwright.sync_api import TimeoutError

    page, wrong = opened(chromium, whole), []
    looked_at = 0
    for path in ADDRESSES:
        visit(page, whole, path, language)
        page.wait_for_load_state("load")
        for number in range(page.locator("form").count()):
            visit(page, whole, path, language)
            page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
            form = page.locator("form").nth(number)
            button = form.locator("button[type=submit], button:not([type]), input[type=submit]").first
            if not button.count() or not button.is_visible() or form.locator("input, textarea, select").count() == 0:
                continue
            if "logout" in (form.get_attribute("action") or ""):
                continue
            typed = fill_wrongly(form)
            if not typed:
                continue  # choices alone cannot be wrong
            looked_at += 1
            button.click()
            page.wait_for_load_state("load")
            try:
                page.wait_for_function(SAYS, arg=MESSAGES, timeout=8000)
            except TimeoutError:
                wrong.append((path, number, typed, "nothing is said"))
                continue
            told = said(page)
            if RAW.search(told):
                wrong.append((path, number, "raw words", told))
            # What was typed may be said back.
            words = {
                word for word in LATIN.findall(re.sub(r"\S+@\S+", "", told.replace(WRONG, ""))) if not word.isupper()
            } - LATIN_ALLOWED
            if language == "th" and words:
                wrong.append((path, number, "not Thai", words))
            again = page.locator("form").nth(number)
            for name, text in typed.items():
                kept = again.locator(f"[name={name}]").first
                if kept.count() and kept.input_value() != text:
                    wrong.append((path, number, name, "what was typed is gone"))
    assert not wrong, "\n".join(map(str, wrong))
    assert looked_at >= 3
