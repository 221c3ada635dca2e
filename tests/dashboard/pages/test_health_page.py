"""What the health page tells of sensors: cause and first step, who they are, what is missing of their day, at once."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from alerts.control.unit import REASONS
from classair.i18n import in_every_language, t
from classair.model import Missing, Reading
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import SensorHealth, ServiceStatus, Topics
from dashboard.live.cases import sensor_well
from dashboard.pages import health
from dashboard.pages.health.day import HOURS, day_of
from dashboard.pages.health.sensor_rows import asked

NOW = 1_795_401_720_000
PM = "ban-suan.p1-2-pm"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def tell(house: Any, sensor: str, state: str, key: str = "", **more: Any) -> None:
    """As its bridge would."""
    places = {"port": "/dev/serial/by-id/usb-1", "model": "pms5003t", "time": "14:30"}
    if key:
        more |= {
            "key": key,
            "cause": in_every_language(f"health.{key}", **places),
            "step": in_every_language(f"health_step.{key}", **places),
        }
    site, _, local = sensor.partition(".")
    house.live.hear(
        Topics(house.config.org).sensor_health(site, local),
        SensorHealth(state=state, at=now_ms(), bridge="suan-pi", **more).model_dump_json().encode(),
    )


def rows_of(house: Any, language: str) -> dict[str, Any]:
    ctx = house.app.server.state.ctx
    return {row.name: row for row in health.rows(ctx, language, asked(ctx))}


@pytest.mark.parametrize("language", ["en", "th"])
def test_a_sensor_in_trouble_has_its_cause_and_its_first_step(own_house: Any, language: str) -> None:
    tell(own_house, PM, "unplugged", "unplugged")
    row = rows_of(own_house, language)["p1-2-pm"]
    assert (row.well, row.word) == ("no", "unplugged")
    assert row.cause == t(language, "health.unplugged", port="/dev/serial/by-id/usb-1")
    assert row.step == t(language, "health_step.unplugged")


@pytest.mark.parametrize(
    ("state", "key", "well"),
    [
        ("ok", "", "yes"),
        ("asleep", "asleep", "yes"),
        ("ok", "pair_disagrees", "wait"),
        ("starting", "warming_up", "wait"),
        ("silent", "silent", "no"),
        ("unplugged", "unplugged", "no"),
        ("error", "sensor_fault", "no"),
        ("stopped", "", "no"),
    ],
)
def test_sleep_is_no_fault_and_a_warning_is_no_outage(state: Any, key: str, well: str) -> None:
    assert sensor_well(SensorHealth(state=state, at=0, bridge="b", key=key)) == well


def test_a_sensor_says_who_it_is_how_long_it_ran_and_how_it_compares(own_house: Any) -> None:
    tell(
        own_house,
        PM,
        "ok",
        identity="001E4C2B",
        firmware="1.6",
        mode="active",
        running_h=1234.56,
        notes={
            "abc_hours": "180",
            "pair": "p1-2-b",
            "pair_means": "18.2 / 19.0 µg/m³",
            "pair_difference": "0.8 µg/m³, 4%",
        },
    )
    english, thai = (dict(rows_of(own_house, language)["p1-2-pm"].facts) for language in ("en", "th"))
    assert english["Identity"] == "001E4C2B" and english["Firmware"] == "1.6"
    assert english["Mode"] == t("en", "health_page.mode.active") and english["Operating time"] == "1,234.6 h"
    assert english["Pair"] == "with p1-2-b: 18.2 / 19.0 µg/m³, difference 0.8 µg/m³, 4% (last full hour)"
    assert thai["โหมด"] == "ส่งค่าเอง" and "p1-2-b" in thai["เทียบคู่"]


def test_a_device_without_a_clock_is_said_to_be_dated_by_receipt(own_house: Any) -> None:
    tell(own_house, PM, "ok")
    assert t("en", "health_page.about.clock") not in dict(rows_of(own_house, "en")["p1-2-pm"].facts)
    own_house.app.server.state.ctx.queries._store().write(
        [
            Reading(
                PM,
                "ban-suan.suan-pi",
                "ab12cd34ef",
                10**13,
                now_ms(),
                {"pm25": 44.0},
                room="ban-suan.p1-2",
                simulated=True,
                clock="receipt",
            )
        ]
    )
    for language in ("en", "th"):
        told = dict(rows_of(own_house, language)["p1-2-pm"].facts)[t(language, "health_page.about.clock")]
        assert told == t(language, "health_page.clock_state.receipt")


def test_the_day_counts_what_lies_inside_it_and_tells_what_came_after_all(own_house: Any) -> None:
    ctx, now = own_house.app.server.state.ctx, 1_795_366_800_000
    start = now - HOURS * HOUR_MS
    day = day_of(
        ctx,
        "en",
        [
            Missing(PM, start - HOUR_MS, start + HOUR_MS, 720, "off"),  # half of it lies before
            Missing(PM, now - 90 * MINUTE_MS, now - 60 * MINUTE_MS, 180, "unplugged"),
            Missing(PM, now - 30 * MINUTE_MS, now, 180, "broker_away"),
        ],
        now,
    )
    assert [hour for hour, share in enumerate(day.shares) if share] == [0, 22]
    assert (day.shares[0], day.shares[22]) == (1.0, 0.5)
    assert day.words == (
        "Missing in the last 24 h: bridge off: 360 readings (1 h 0 min), disconnected: 180 readings (30 min)."
    )
    assert "connection lost: 180 readings" in day.late
    assert day.titles[1].startswith("22:00–23:00 disconnected: 180 readings")


def test_nothing_is_called_complete_while_a_gap_is_still_open(own_house: Any) -> None:
    tell(own_house, PM, "silent", "silent")
    tell(own_house, "ban-suan.yard-pm", "ok")
    rows = rows_of(own_house, "en")
    assert rows["p1-2-pm"].day is None
    assert rows["yard-pm"].day.words == t("en", "health_page.day.none")


def test_the_api_calls_the_house_well_although_a_sensor_sleeps(own_house: Any) -> None:
    tell(own_house, PM, "asleep", "asleep")
    told = own_house.ask("/api/v1/health").json["sensors"][PM]
    assert (told["state"], told["key"]) == ("asleep", "asleep")
    assert set(told["cause"]) == {"en", "th"}


# -- in a real browser -------------------------------------------------------------------------------------------------


def look(chromium: Any, house: Any, language: str) -> Any:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{house.url}/health?lang={language}")
    page.wait_for_selector(".working h1", timeout=60_000)
    return page


def test_a_fault_reaches_an_open_page_at_once_and_stands_first_in_both_languages(
    own_house: Any,
    chromium: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "RENEW_EVERY_MS", 3_600_000)  # whatever comes, comes by the event stream
    tell(own_house, PM, "ok")
    pages = {language: look(chromium, own_house, language) for language in ("th", "en")}
    for state in ("unplugged", "silent"):
        tell(own_house, PM, state, state)
        for language in ("th", "en"):
            words = t(language, f"health_step.{state}")
            first = f"#health .group:first-of-type tr:has-text('p1-2-pm'):has-text('{words}')"
            pages[language].wait_for_selector(first, timeout=60_000)
    tell(own_house, PM, "ok")
    pages["th"].wait_for_selector("#health .group:nth-of-type(n+3) tr:has-text('p1-2-pm')", timeout=60_000)
    assert chromium.errors == []


def test_the_strip_of_a_day_says_in_words_what_it_draws(own_house: Any, chromium: Any) -> None:
    tell(own_house, PM, "ok", running_h=12.0)
    ledger = own_house.app.server.state.ctx.queries._ledger
    ledger.write_missing([Missing(PM, now_ms() - 3 * HOUR_MS, now_ms() - 2 * HOUR_MS, 360, "silent")])
    page = look(chromium, own_house, "th")
    strip = page.locator("tr:has-text('p1-2-pm') .day-strip")
    assert "ไม่ส่งข้อมูล: 360 ค่า" in strip.get_attribute("aria-label")
    assert strip.evaluate("e => getComputedStyle(e).backgroundImage").count("linear-gradient") in (1, 2)
    row = page.locator("tr:has-text('p1-2-pm')")
    assert "ทำงานมาแล้ว" in row.inner_text()
    assert "ไม่ส่งข้อมูล: 360 ค่า" in row.inner_text()


def test_why_a_purifier_is_on_or_off_has_words_in_both_languages() -> None:
    """Every reason that the control gives."""
    for reason in REASONS:
        key = f"health_page.purifier_reason.{re.sub('[^a-z0-9]+', '_', reason.lower())}"
        assert t("th", key) != t("en", key), reason


def test_the_overview_never_calls_a_house_well_whose_services_are_away(own_house: Any) -> None:
    topics, said = Topics(own_house.config.org), t("en", "overview.service_down")

    def shown(**states: str) -> str:
        for name in ("ingest", "alerts"):
            status = ServiceStatus(service=name, state=states.get(name, "online"), at=now_ms())
            own_house.live.hear(topics.service_status(name), status.model_dump_json().encode())
        return str(own_house.ask("/?lang=en").text)

    assert said not in shown()
    assert said in shown(ingest="offline")
    assert said in shown(alerts="offline")
    assert said not in shown()
