"""The public pages in a real browser: they fit, axe finds nothing, no other host is asked, no script is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from classair import i18n
from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.door.wishes import Wishes, stop_path
from dashboard.records.book import RecordBook
from tests.dashboard.conftest import Builder, House, now_ms, state_of, three_hours

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

ROOM = "ban-suan.p1-2"
HOSTILE = '<script>document.title="hacked"</script>"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Iterator[House]:
    """The demo, whose schools are called what nobody should call a school. Its messages go by LINE and by mail."""
    from classair.stores.memory.store import MemoryStore

    sites = {
        key: site.model_copy(update={"name": site.name.model_copy(update={"en": f"{HOSTILE} {key}"})})
        for key, site in schools.sites.items()
    }
    builder, store = Builder(tmp_path_factory.mktemp("public"), schools), MemoryStore()
    three_hours(store, ROOM, f"{ROOM}-pm", 18, now_ms(), gap=True)
    house = builder(store=store, config=schools.model_copy(update={"sites": sites}))
    house.alive(mail=True)
    house.put(state_of(ROOM))
    house.put(state_of("ban-suan.yard", 46, co2=None, outdoor=None))
    with pytest.MonkeyPatch.context() as environment:
        for name in ("CLASSAIR_LINE_TOKEN", "CLASSAIR_LINE_SECRET"):
            environment.setenv(name, "trial")
        yield house
    builder.close()


def addresses(house: House) -> dict[str, str]:
    ctx: Context = house.app.server.state.ctx
    today = local_time(ctx.now_ms()).date()
    wishes, book = Wishes(ctx), RecordBook(ctx)
    wish = wishes.make("parent@example.org", ROOM, "en")
    record = book.ask(ROOM, today - timedelta(days=1), today, HOSTILE, HOSTILE, "en")
    book.decide(record.id, "declined", "head:x", HOSTILE)
    assert wish is not None
    return {
        "door": f"/door/{ROOM}",
        "wrong address": f"/door/{ROOM}?said=wrong_mail",
        "town": "/town",
        "confirm": f"/follow/{wishes.token(wish)}",
        "stop": stop_path(ctx, ROOM, "parent@example.org"),
        "record": f"/record/{book.token(record)}",
    }


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_public_pages_fit_are_accessible_and_stay_on_this_server(
    public: House, chromium: Any, language: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = chromium.new_page(viewport={"width": width, "height": 800})
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    for name, path in addresses(public).items():
        page.goto(f"{public.url}{path}{'&' if '?' in path else '?'}lang={language}")
        page.wait_for_selector("h1")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        small = page.evaluate(
            "() => [...document.querySelectorAll('main a, main button, main input, header a')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)"
        )
        assert small == [], name
        assert page.title() != "hacked"
        found = Axe().run(page).response
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == [], name
        if width == 360:
            page.set_viewport_size({"width": 320, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            page.set_viewport_size({"width": width, "height": 800})
    assert asked and all(url.startswith(public.url) for url in asked)


@pytest.mark.parametrize("language", ["th", "en"])
def test_without_a_script_the_door_page_says_all_it_has_to(public: House, chromium: Any, language: str) -> None:
    page = chromium.new_page(java_script_enabled=False)
    public.put(state_of(ROOM))
    page.goto(f"{public.url}/door/{ROOM}?lang={language}")
    now = page.inner_text(".door-level")
    assert i18n.t(language, "level.good") in now and "18" in now
    assert i18n.t(language, "pages.age.measured", age=i18n.t(language, "pages.age.minutes", n=1)) in now
    assert i18n.t(language, "pages.not_current") not in now
    assert page.is_visible("#mail") and page.is_visible(".room-code")


def test_an_open_door_page_shows_a_new_state_and_lets_it_grow_old(public: House, chromium: Any) -> None:
    public.put(state_of(ROOM, 18))
    page = chromium.new_page()
    page.goto(f"{public.url}/door/{ROOM}?lang=en")
    page.wait_for_function("() => document.querySelector('.door-value').innerText.includes('18')")
    public.put(state_of(ROOM, 52))
    page.wait_for_function("() => document.querySelector('.door-value').innerText.includes('52')")
    assert "Starting to affect health" in page.inner_text(".door-word")
    # Ten minutes later by the server's clock, which the stream says with each state.
    public.offset_ms = 10 * MINUTE_MS
    public.put(state_of(ROOM, 52, at=now_ms()))
    page.wait_for_function("() => document.querySelector('[data-piece=now]').dataset.phase === 'late'")
    public.offset_ms = 0
