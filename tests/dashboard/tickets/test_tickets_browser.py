"""Form, board and the page of a report in a real browser, in both languages, small and large."""

from __future__ import annotations

from typing import Any

import pytest

from classair.units import HOUR_MS
from dashboard.tickets.records import Evidence, NewTicket, Reporter
from dashboard.tickets.telling import links
from tests.dashboard.tickets.test_form import photo

pytestmark = [pytest.mark.browser, pytest.mark.thorough]
SIZES = [("th", 360), ("en", 1280)]


def look(page: Any) -> None:
    """Nothing hangs over the edge, nothing to be pressed is too small, and axe has nothing to say."""
    from axe_playwright_python.sync_playwright import Axe

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('main button, main summary, main select, main input:not([type=hidden]):not("
        "[type=checkbox]):not([type=radio])')].filter(e => e.getClientRects().length && e.getBoundingClientRect()"
        ".height < 43.5).map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize(("language", "width"), SIZES)
def test_a_report_is_made_without_javascript_and_its_page_is_answered(
    desk_house: Any, tickets: Any, chromium: Any, language: str, width: int, tmp_path: Any
) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo())
    page = chromium.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{desk_house.url}/report?room=ban-suan.p1-2&lang={language}")
    look(page)
    plain = chromium.new_page(viewport={"width": width, "height": 740}, java_script_enabled=False)
    plain.goto(f"{desk_house.url}/report?room=ban-suan.p1-2&lang={language}")
    plain.click("label[for=kind-stuffy]")
    plain.set_input_files("#photo", tmp_path / "photo.jpg")
    plain.click("button[value=check]")
    plain.wait_for_selector("button[value=send]")
    plain.wait_for_load_state("load")
    assert plain.evaluate("document.querySelector('.shot').naturalWidth") == 640
    plain.click("button[value=send]")
    plain.wait_for_selector(".steps")
    (ticket,) = tickets.listed()
    assert ticket.number in plain.inner_text("main")
    page.goto(f"{desk_house.url}{links.path(desk_house.app.server.state.ctx, ticket)}?lang={language}")
    page.click("details summary")
    look(page)
    tickets.work.resolve(ticket.id, "เปิดพัดลม", Evidence("act", "ใบงาน"), frozenset({"act"}), "account:lung")
    page.reload()
    look(page)
    page.click("button[value=not_yet]")
    page.wait_for_selector(".saved")
    assert tickets.get(ticket.id).reopened == 1


@pytest.mark.parametrize(("language", "width"), SIZES)
def test_staff_see_the_board_and_solve_a_report_with_evidence(
    desk_house: Any, tickets: Any, chromium: Any, language: str, width: int
) -> None:
    desk_house.offset_ms -= 60 * HOUR_MS
    late = tickets.receive(NewTicket("smoke", "ban-suan", "ban-suan.p1-2", "ควัน"), "late")
    waits = tickets.receive(NewTicket("purifier_dead", "ban-suan", "ban-suan.p1-10"), "waits")
    tickets.work.ask(waits.id, "?", "account:lung")
    desk_house.offset_ms += 60 * HOUR_MS
    tickets.receive(NewTicket("other", "ban-suan", reporter=Reporter("phone", "081")), "new")
    page = chromium.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{desk_house.url}/login?next=/tickets%3Flang%3D{language}&lang={language}")
    page.fill("#name", "lung")
    page.fill("#password", "correct horse battery")
    page.click("main button[type=submit]")
    page.wait_for_selector(".column.is-late .ticket-card")
    counts = [page.locator(f".column.is-{name} .ticket-card").count() for name in ("new", "working", "waiting", "late")]
    assert counts == [1, 0, 1, 1]
    assert page.locator(".column.is-working").bounding_box()["height"] < 200
    look(page)
    page.click(".column.is-late .ticket-card")
    page.wait_for_selector(".ticket-parts")
    page.click("[data-piece='form/resolve'] summary")
    page.wait_for_function("() => document.querySelector('[data-piece=evidence] figure, [data-piece=evidence] p')")
    look(page)
    page.fill("[data-piece='form/resolve'] [name=what]", "ดับไฟแล้ว")
    page.check("[data-piece='form/resolve'] [value=act]")
    page.click("[data-piece='form/resolve'] button[type=submit]")
    wanted = {"th": "โปรดเขียนบันทึกการทำงาน", "en": "please write the act"}[language]
    said = "wanted => ((document.getElementById('page-said') || {}).textContent || '').includes(wanted)"
    page.wait_for_function(said, arg=wanted, timeout=30_000)
    page.fill("[data-piece='form/resolve'] [name=words]", "ใบงาน 12/2569")
    page.click("[data-piece='form/resolve'] button[type=submit]")
    page.wait_for_function("() => !document.querySelector('[data-piece=\"form/resolve\"] form')", timeout=30_000)
    solved = tickets.get(late.id)
    assert (solved.state, solved.proof_words) == ("resolved", "ใบงาน 12/2569")
    assert chromium.errors == []
