"""How long a reader waits for the first chart of a page on the machine itself, with nothing kept from before.

`processor` is what the page's main thread has worked by then: on a busy machine, what a free one would need at most.
Baseline: the same browser's time to the first paint of the overview, which draws nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

sys.path[0] = str(Path(__file__).resolve().parents[2])  # ingest.py beside this file is not the package

from classair import config as configuration  # noqa: E402
from tests.dashboard.conftest import SCHOOLS, Builder, state_of  # noqa: E402
from tests.neighbours.browser import CHROMIUM_ARGUMENTS  # noqa: E402

PAGES: Final = {"overview": "/", "room": "/room/ban-suan.p1-2", "explorer": "/explorer?rooms=ban-suan.p1-2"}
WATCH: Final = """(() => {
  const look = () => {
    if (!window.firstChart && document.querySelector('.js-plotly-plot .main-svg .js-line')) {
      window.firstChart = performance.now();
    }
  };
  new MutationObserver(look).observe(document, {childList: true, subtree: true});
})()"""
TIMES: Final = """() => ({
  paint: (performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime,
  chart: window.firstChart,
  kb: performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0) / 1000,
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--times", type=int, default=10, help="loads of each page (default: 10)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        builder = Builder(Path(folder), configuration.load(SCHOOLS, {}))
        house = builder.demo()
        house.put(state_of("ban-suan.p1-2"))
        browser = playwright.chromium.launch(executable_path=args.chromium, args=CHROMIUM_ARGUMENTS)
        print(f"{'page':10} {'first paint':>12} {'first chart':>12} {'worst':>8} {'processor':>10} {'kB':>6}")
        for name, path in PAGES.items():
            found = [_load(browser, house.url + path, drawn=name != "overview") for _ in range(args.times)]
            paint, busy, kilobytes = (statistics.median(one[key] for one in found) for key in ("paint", "busy", "kb"))
            charts = [one["chart"] for one in found if one["chart"]]
            chart = f"{statistics.median(charts):9.0f} ms {max(charts):5.0f} ms" if charts else f"{'–':>12} {'–':>8}"
            print(f"{name:10} {paint:9.0f} ms {chart} {busy:7.0f} ms {kilobytes:6.0f}")
        browser.close()
        builder.close()


def _load(browser: Any, url: str, *, drawn: bool) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(url)
    if drawn:
        page.wait_for_function("() => window.firstChart", timeout=60_000)
    page.wait_for_load_state("load")
    page.wait_for_timeout(200)
    times: dict[str, float] = page.evaluate(TIMES)
    told = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    times["busy"] = 1000 * told["TaskDuration"]
    context.close()
    return times


if __name__ == "__main__":
    main()
