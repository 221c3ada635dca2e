"""A page and a language are added to a copy of the tree, taken from their guides, and used; nothing else is touched."""

from __future__ import annotations

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from classair import i18n
from classair.timetable import ZONE
from tests.neighbours.ports import free_port

pytestmark = pytest.mark.thorough

DOCS = Path(__file__).parents[2] / "docs"
PASSWORD = "four unrelated words here"
FILE = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(guide: str) -> dict[str, str]:
    """The files that a guide shows whole, each under its name."""
    found = dict(FILE.findall((DOCS / guide).read_text("utf-8")))
    assert found, guide
    return found


@pytest.fixture(scope="module")
def grown(make_copy: Any) -> Any:
    """A copy with the guides' page and language."""
    copy = make_copy()
    for guide in ("add-a-page.md", "add-a-language.md"):
        for path, text in files_of(guide).items():
            copy.add(path, text)
    return copy


@pytest.fixture(scope="module")
def dashboard(grown: Any, tmp_path_factory: pytest.TempPathFactory, wait_for: Any) -> Iterator[str]:
    """The address of the copy's dashboard, a process of its own, with a teacher and a viewer who may sign in."""
    data, port = tmp_path_factory.mktemp("data"), free_port()
    for name, role in (("some-teacher", "teacher"), ("some-viewer", "viewer")):
        told = subprocess.run(
            grown.command("user", "add", name, "--role", role, "--all", "--password-stdin", "--data", str(data)),
            input=f"{PASSWORD}\n",
            cwd=grown.root,
            env=grown.environment,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr
    words = ("dashboard", "--data", str(data), "--port", str(port), "--broker", f"mqtt://127.0.0.1:{free_port()}")
    process = subprocess.Popen(grown.command(*words), cwd=grown.root, env=grown.environment)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: process.poll() is not None or status(f"{address}/login") == 200, what="the dashboard")
        assert process.poll() is None
        yield address
    finally:
        process.terminate()
        process.wait(20)


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def signed_in(chromium: Any, dashboard: str, name: str, target: str) -> Any:
    page = chromium.new_page(locale="en")
    page.goto(f"{dashboard}/login?lang=en&next={target}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_selector("nav.nav .nav-link")
    return page


def test_the_page_is_in_the_menu_of_those_who_may_open_it_and_looks_as_it_says(chromium: Any, dashboard: str) -> None:
    page = signed_in(chromium, dashboard, "some-teacher", "/?lang=en")
    page.click("nav.nav .menu summary")  # behind the first entries
    page.click("nav.nav >> text=Fresh air")
    page.wait_for_selector("h1:has-text('Fresh air')")
    assert "No room needs fresh air." in page.inner_text("main")
    page.evaluate("document.querySelector('#airing').innerHTML = '<ul><li>P.1/2</li></ul>'")
    assert page.evaluate("getComputedStyle(document.querySelector('#airing li')).borderInlineStartWidth") == "6px"
    page.click("nav.languages >> text=ไทย")
    page.wait_for_selector("h1:has-text('ระบายอากาศ')")
    assert not chromium.foreign and not chromium.errors


def test_the_page_is_refused_to_everybody_else(chromium: Any, dashboard: str) -> None:
    assert "/login" in urllib.request.urlopen(request(f"{dashboard}/airing", Accept="text/html")).url
    page = signed_in(chromium, dashboard, "some-viewer", "/?lang=en")
    assert "Fresh air" not in page.inner_text("nav.nav")
    assert page.goto(f"{dashboard}/airing").status == 403
    # Inside the application no route of the page is asked: its content and callbacks are refused by themselves.
    page.goto(f"{dashboard}/explorer?lang=en")
    page.wait_for_selector("nav.nav .nav-link")
    page.evaluate("dash_clientside.set_props('at', {pathname: '/airing'})")
    page.wait_for_selector("text=This account may not open this page.")
    answer = page.evaluate(
        """() => fetch('/_dash-update-component', {method: 'POST', headers: {'Content-Type': 'application/json',
            'X-CSRF-Token': document.cookie.match(/classair_csrf=([^;]+)/)[1]}, body: JSON.stringify({
            output: 'airing.children', outputs: {id: 'airing', property: 'children'}, changedPropIds: ['live.data'],
            inputs: [{id: 'live', property: 'data', value: {}}],
            state: [{id: 'at', property: 'search', value: ''}]})}).then(answer => answer.status)"""
    )
    assert answer == 403


def request(address: str, **headers: str) -> urllib.request.Request:
    return urllib.request.Request(address, headers=headers)


def test_its_style_arrives_as_assets_do_and_its_code_and_texts_do_not(dashboard: str) -> None:
    folder = f"{dashboard}/assets/pages/airing"
    with urllib.request.urlopen(f"{folder}/airing.css") as answer:
        assert answer.headers["Content-Type"].startswith("text/css") and answer.headers["ETag"]
        assert answer.headers["Cache-Control"] == "no-cache" and "script-src 'self'" in answer.headers[POLICY]
    assert [status(f"{folder}/{name}") for name in ("__init__.py", "locales/en.toml", "")] == [404, 404, 404]


POLICY = "Content-Security-Policy"


def test_the_language_is_in_the_switch_and_a_page_is_shown_in_it(chromium: Any, dashboard: str, year: int) -> None:
    page = chromium.new_page(locale="eo")
    page.goto(f"{dashboard}/?lang=en")
    page.click("nav.languages >> text=Esperanto")
    page.wait_for_selector("h1:has-text('Superrigardo')")
    assert page.evaluate("document.documentElement.lang") == "eo"
    assert re.search(rf"\w+, la \d+-a de \w+ {year + 543}", page.inner_text(".head .when"))
    assert "System health" in page.locator("nav.nav").text_content(), "a text that is missing is English"
    page.goto(f"{dashboard}/login?lang=eo")
    assert page.inner_text("header nav").split()[-2:] == ["ไทย", "English"]


def test_the_display_is_shown_in_the_language(chromium: Any, dashboard: str, year: int) -> None:
    page = chromium.new_page(locale="eo")
    page.goto(f"{dashboard}/display/ban-suan.p1-2?lang=eo")
    page.wait_for_function("() => /\\d\\d\\.\\d\\d h/.test(document.getElementById('clock').textContent)")
    assert page.inner_text("#date").endswith(str(year + 543))
    assert page.inner_text("#level") == "Nekonata"
    assert page.inner_text("#outdoor h2") == "Ekstere"
    assert page.inner_text("#purifier h2") == i18n.t("en", "display.purifier_title"), (
        "a text that is missing is English"
    )


@pytest.fixture
def year() -> int:
    return datetime.now(ZONE).year


def test_the_configuration_takes_the_language_and_messages_carry_it(grown: Any) -> None:
    text = (grown.root / "sensors.yaml").read_text("utf-8")
    school = grown.root / "esperanto.yaml"
    name = "{th: ป.1/2, en: P.1/2}"
    assert name in text and "\nlanguage: th" in text
    school.write_text(
        text.replace("\nlanguage: th", "\nlanguage: eo").replace(name, "{th: ป.1/2, en: P.1/2, eo: Klaso 1/2}"), "utf-8"
    )
    told = grown.run("check", "--config", str(school))
    assert told.returncode == 0, told.stdout + told.stderr
    program = """
import sys
from pathlib import Path
from classair import config, i18n
from classair.wire import SensorHealth
room = config.load(Path(sys.argv[1]), {}).room("ban-suan.p1-2")
texts = i18n.in_every_language("level.good")
word = SensorHealth(sensor="ban-suan.p1-2-pm", bridge="suan-pi", state="error", at=1, cause=texts, step=texts)
print(room.name.in_("eo"), word.cause["eo"], SensorHealth.model_validate_json(word.model_dump_json()).cause["eo"])
"""
    said = subprocess.run(
        [grown.command()[0], "-c", program, str(school)],
        cwd=grown.root, env=grown.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout.split("\n")[0] == "Klaso 1/2 Bona Bona", said.stderr


def test_what_a_language_lacks_is_listed(grown: Any) -> None:
    listed = grown.run("texts").stdout
    assert re.search(r"^eo\tEsperanto\t\d+ of \d+ texts$", listed, re.MULTILINE)
    lacking = grown.run("texts", "--missing", "eo").stdout
    assert 'level.affects_health = "Affecting health"' in lacking and "\nlevel.good =" not in lacking
    assert "airing/locales/eo.toml\nairing.none =" in lacking
    assert grown.run("texts", "--missing", "th").stdout == ""
