"""Fourteen days of a wall display in Chromium, by a clock that runs ahead: memory, elements, requests after a pause.

    python -m benchmarks.display.fortnight [--days 14] [--minutes 1] [--chromium /usr/bin/chromium]

A real web server of this process says a state every `--minutes` simulated minutes, with what happens on a wall: levels
that change, an hour without data, a purifier that is switched, nights. All timers of the page fire as they would; its
reload at 05:30 is refused, so that one page lives through all days. At the end of each day: bytes of JavaScript after a
collection, elements, and requests; then a pause of ten hours in the background and what the page asks in the minutes
after it. Exit code 1 when memory is not flat (± 10% of the second day) or requests come in a storm.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from classair import config as configuration
from tests.dashboard.conftest import SCHOOLS, Builder, House, now_ms, state_of

ROOM = "ban-suan.p1-2"
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
FLAT = 0.10
MOST_A_MINUTE = 6  # the stream again, a question, the chart, and what was already on its way


def value_at(minute: int) -> tuple[float | None, float, float, bool]:
    """PM2.5 inside, outside, CO2, purifier: a day's course through all levels, and an hour without a word at noon."""
    hour = minute / 60 % 24
    outside = 30 + 28 * math.sin(hour / 24 * 2 * math.pi) + 12 * math.sin(minute / 17)
    inside = None if 12 <= hour < 13 else max(3.0, outside * 0.7 + 30 * max(0.0, math.sin(minute / 240)))
    return inside, max(2.0, outside), 600 + 900 * max(0.0, math.sin((hour - 7) / 9 * math.pi)), minute // 180 % 2 == 0


class Wall:
    """One display and its server, both by a clock that `go_on` moves."""

    def __init__(self, house: House, page: Any) -> None:
        self.house, self.page = house, page
        self.asked: Counter[str] = Counter()
        self.asked_at: list[int] = []
        page.on("request", self._seen)
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable")

    def _seen(self, request: Any) -> None:
        self.asked[request.url.split("?")[0].rpartition("/")[2]] += 1
        self.asked_at.append(self.house.still_at or 0)

    def go_on(self, ms: int) -> None:
        assert self.house.still_at is not None
        self.page.clock.run_for(ms)
        self.house.still_at += ms

    def says(self, minute: int) -> None:
        inside, outside, co2, on = value_at(minute)
        if inside is not None:
            self.house.put(state_of(ROOM, inside, age_s=10, at=self.house.still_at, co2=co2, outdoor=outside, on=on))

    def measure(self) -> tuple[int, int]:
        """Bytes of JavaScript in use and elements, after a collection."""
        self.cdp.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in self.cdp.send("Performance.getMetrics")["metrics"]}
        return int(found["JSHeapUsedSize"]), int(found["Nodes"])


def day(wall: Wall, number: int, every: int) -> None:
    for minute in range(0, 24 * 60, every):
        wall.says(number * 24 * 60 + minute)
        wall.go_on(every * MINUTE_MS)


def pause(wall: Wall, minutes: int = 600) -> list[int]:
    """A night in the background, when no timer fires; then requests by simulated minute."""
    wall.page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    wall.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert wall.house.still_at is not None
    wall.house.still_at += minutes * MINUTE_MS
    wall.asked_at.clear()
    wall.page.clock.fast_forward(minutes * MINUTE_MS)
    began = wall.house.still_at
    wall.page.evaluate("delete document.hidden")
    wall.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    for _ in range(60):
        wall.says(0)
        wall.go_on(10_000)
    return [sum(began + i * MINUTE_MS <= at < began + (i + 1) * MINUTE_MS for at in wall.asked_at) for i in range(10)]


def run(days: int, every: int, chromium: str) -> int:
    from playwright.sync_api import sync_playwright

    builder = Builder(Path(tempfile.mkdtemp()), configuration.load(SCHOOLS, {}))
    house = builder.demo()
    house.still_at = now_ms()
    wrong = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720}, service_workers="block")
        page.clock.install(time=house.still_at / 1000)
        page.goto(f"{house.url}/display/{ROOM}?dim=1")
        page.wait_for_function("() => document.getElementById('clock').textContent")
        page.clock.pause_at(house.still_at / 1000 + 2)
        refused: list[str] = []
        page.route(
            "**/display/*?dim=1",
            lambda route: (
                (refused.append(route.request.url), route.abort())
                if route.request.resource_type == "fetch"
                else route.continue_()
            ),
        )
        wall = Wall(house, page)
        heaps: list[int] = []
        print("day   heap kB   elements   requests of the day by kind")
        for number in range(days):
            began = time.monotonic()
            wall.asked.clear()
            day(wall, number, every)
            heap, nodes = wall.measure()
            heaps.append(heap)
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(wall.asked.items()))
            took = time.monotonic() - began
            print(f"{number + 1:3}  {heap / 1024:8.0f}   {nodes:8}   {kinds}  ({took:.0f} s)", flush=True)
        print(f"reloads at 05:30 asked for and refused: {len(refused)}")
        settled = heaps[min(1, len(heaps) - 1)]
        if any(abs(heap - settled) > FLAT * settled for heap in heaps[1:]):
            wrong.append("memory is not flat")
        minutes = pause(wall)
        print(f"requests a simulated minute after a pause of 10 hours: {minutes}")
        if max(minutes) > MOST_A_MINUTE:
            wrong.append("requests came in a storm")
        browser.close()
    builder.close()
    print("; ".join(wrong) or "memory flat, no storm")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--minutes", type=int, default=1)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    return run(asked.days, asked.minutes, asked.chromium)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the web server's threads end with it
