"""Signing in and out in a real browser: the demo's form, a provider, the bar that says who is there; both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.access.openid.identity import mail_key
from tests.dashboard.access.provider import Provider, running

pytestmark = pytest.mark.browser
WORDS = {
    "en": ("Teacher", "Sign out", "Sign in", "K.1/1"),
    "th": ("ครู", "ออกจากระบบ", "เข้าสู่ระบบ", "อ.1/1"),
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as there:
        yield there


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language", ["en", "th"])
def test_from_please_sign_in_to_an_account_of_the_demo_and_out_again(
    own_house: Any, chromium: Any, language: str, width: int
) -> None:
    role, out, enter, room = WORDS[language]
    page = chromium.new_page(viewport={"width": width, "height": 720})
    page.goto(f"{own_house.url}/?lang={language}")
    page.click(f".account-link:text-is('{enter}')")
    page.select_option("#role", "teacher")
    page.click("form.demo button")
    page.wait_for_url(f"{own_house.url}/?lang={language}")
    assert page.inner_text(".account summary").split() == ["demo-teacher", role]
    page.focus(".account summary")
    page.keyboard.press("Enter")
    card = page.wait_for_selector(".account-card", state="visible")
    assert card.inner_text().startswith(room)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = card.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    for target in page.query_selector_all(".account summary, .account-card a, .account-card button"):
        assert target.bounding_box()["height"] >= 44
    page.click(f".account-card button:text-is('{out}')")
    page.wait_for_url("**/login?lang=*")
    assert page.get_attribute("html", "lang") == language
    page.goto(f"{own_house.url}/?lang={language}")
    assert page.query_selector(".account") is None
    page.close()


def test_pages_of_dash_have_the_same_way_out(own_house: Any, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{own_house.url}/login?next=%2Fexports%3Flang%3Den&lang=en")
    page.select_option("#role", "researcher")
    page.click("form.demo button")
    page.wait_for_selector(".account summary", timeout=60_000)
    page.click(".account summary")
    page.click(".account-card button")
    page.wait_for_url("**/login?lang=en")
    page.close()


@pytest.mark.parametrize("language", ["en", "th"])
def test_a_teacher_comes_back_from_the_schools_provider_signed_in(
    make_house: Any, schools: Any, chromium: Any, provider: Provider, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSAIR_SIGN_IN_SECRET_SCHOOL", "a secret")
    house = make_house(config=schools.model_copy(update={"sign_in": {"school": provider.settings()}}))
    house.desk.add_account("somsri", "teacher", "", ["ban-suan.p1-2"])
    house.desk.known.invite("somsri", "school", mail_key(house.desk.tries.salt(), "somsri@school.example"))
    page = chromium.new_page(viewport={"width": 360, "height": 720})
    page.goto(f"{house.url}/login?lang={language}&next=%2F%3Flang%3D{language}")
    page.click(".providers a")
    page.click("button[name=sub][value=stranger]")
    page.wait_for_selector("#wrong")
    assert page.get_attribute("html", "lang") == language
    page.click(".providers a")
    page.click("button[name=sub][value=somsri]")
    page.wait_for_selector(".account summary")
    assert page.url == f"{house.url}/?lang={language}"
    assert "somsri" in page.inner_text(".account summary")
    page.close()


def test_a_demo_account_is_nobody_where_it_is_no_demo(own_house: Any, make_house: Any) -> None:
    entered = own_house.ask(
        "/login/demo", "POST", body=b"role=admin", Origin=own_house.url,
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    session = next(
        line.partition(";")[0] for line in entered.headers.get_all("Set-Cookie") if line.startswith("classair_session=")
    )
    assert own_house.ask("/api/v1/me", Cookie=session).json["role"] == "admin"
    # Through a proxy that nobody has named it may come from anywhere.
    assert own_house.ask("/api/v1/me", Cookie=session, X_Forwarded_For="127.0.0.1").json["kind"] == "visitor"
    elsewhere = make_house(host="0.0.0.0")
    assert elsewhere.ask("/login/demo", "POST", body=b"role=admin", Origin=elsewhere.url).status == 404
    assert "demo" not in elsewhere.ask("/login?lang=en").text
