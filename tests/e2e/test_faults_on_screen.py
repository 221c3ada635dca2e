"""A pulled plug and a sensor that falls silent, from the line to the API and the health page, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from classair.i18n import in_every_language
from firmware_bridge.drivers import driver_for

FRAME = {
    "pm1": 12.0,
    "pm25": 18.0,
    "pm10": 20.0,
    "pm1_cf1": 12.0,
    "pm25_cf1": 18.0,
    "pm10_cf1": 20.0,
    "temp_c": 29.5,
    "rh_pct": 61.0,
}


@pytest.mark.slow
def test_a_fault_of_the_line_is_told_with_its_first_step_on_api_and_page(
    one_room: Callable[..., Any],
    wait_for: Any,
    chromium: Any,
) -> None:
    house, sensor = one_room()
    house.start()
    wait_for(lambda: house.get("/api/v1/me"), 60, "the web server")
    token = house.command("user", "token", "create", "looks", "--scope", "read").split()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    driver = driver_for("pms5003t")

    def told(*states: str, send: bool = False) -> Any:
        def look() -> Any:
            if send:
                sensor.send(driver.encode(FRAME))
            found = (house.get("/api/v1/health", token) or {}).get("sensors", {}).get("school.a1-pm")
            return found if found and found["state"] in states and (not send or found["newest"]) else None

        return wait_for(look, 60, f"the state {states}")

    told("starting", "ok", send=True)
    for cause in ("silent", "unplugged"):
        if cause == "unplugged":
            sensor.unplug()
        found = told(cause)
        steps = in_every_language(f"health_step.{cause}")
        assert found["step"] == steps
        for language, words in steps.items():
            page = chromium.new_page(viewport={"width": 1280, "height": 900}, extra_http_headers=headers)
            page.goto(f"http://127.0.0.1:{house.port}/health?lang={language}")
            page.wait_for_selector(
                f"#health .group:first-of-type tr:has-text('a1-pm'):has-text('{words}')", timeout=60_000
            )
            page.close()
