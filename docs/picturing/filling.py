"""What a school of some weeks has: a reported problem, an experiment, an open smoke episode, an alert."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext

from docs.picturing.school import MOMENT, School, ask
from docs.picturing.shown import ROOM

_SITE: Final = ROOM.partition(".")[0]
_ALERT_S: Final = 180


def fill(made: School, account: BrowserContext) -> dict[str, str]:
    """Fills it as people do; what was made, by the {place} in which it stands."""
    made.classair("simulate", "wish", "haze=40", f"{_SITE}.p4-1=400", "--config", str(made.config_file))
    ticket = _report(made, account, "smoke", ROOM, "มีควันเข้ามาทางหน้าต่างตั้งแต่เช้า")
    _report(made, account, "purifier_loud", f"{_SITE}.a1-1", "The purifier rattles at the highest speed.")
    _send(made, account, "/api/v1/events", _experiment())
    _send(made, account, "/api/v1/episodes", {"sites": [_SITE], "name": "", "why": "Fields burn in the north."})
    # Their figures are worked out once somebody has asked for them.
    for path in ("/municipality", "/clean-rooms"):
        account.request.get(made.url + path)
    _await_alert(made)
    return {"ticket": ticket, "episode": ask(made, "/api/v1/episodes")["episodes"][0]["id"]}


def _experiment() -> dict[str, str]:
    start = (MOMENT - timedelta(days=1)).replace(hour=9, minute=20)
    return {
        "site": _SITE,
        "room": ROOM,
        "kind": "experiment",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=20)).isoformat(),
        "question": "ถ้าเปิดหน้าต่างสองบาน อากาศจะเปลี่ยนไหม",
        "result": "คาร์บอนไดออกไซด์ลดลง แต่ฝุ่นเพิ่มขึ้นเล็กน้อย",
    }


def _report(made: School, account: BrowserContext, kind: str, place: str, words: str) -> str:
    """Reports a problem as a visitor does; the token of the reporter's page."""
    assert account.browser is not None
    visitor = account.browser.new_context()
    page = visitor.new_page()
    page.goto(f"{made.url}/report?lang=th&room={place}&kind={kind}")
    page.fill("#words", words)
    page.click("button[value=check]")
    page.click("button[value=send]")
    page.wait_for_url("**/ticket/**")
    token = urlsplit(page.url).path.rpartition("/")[2]
    visitor.close()
    return token


def _send(made: School, account: BrowserContext, path: str, body: dict[str, Any]) -> None:
    csrf = next(cookie["value"] for cookie in account.cookies() if cookie["name"] == "classair_csrf")
    answer = account.request.post(made.url + path, data=body, headers={"X-CSRF-Token": csrf, "Origin": made.url})
    if not answer.ok:
        raise RuntimeError(f"{path} answered {answer.status}: {answer.text()}")


def _await_alert(made: School) -> None:
    """Until the smoke in one room has become an alert; without one the page of alerts is pictured empty."""
    until = time.monotonic() + _ALERT_S
    while time.monotonic() < until:
        if ask(made, "/api/v1/alerts")["alerts"]:
            return
        time.sleep(2)
    print("screenshots: no alert has come; its page shows none", file=sys.stderr)
