"""`make screenshots`: starts the demo, fills it, takes a picture of every page in every language, ends it."""

from __future__ import annotations

import argparse
import io
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as BrowserFault

from classair import i18n
from dashboard.access.roles import TABLE
from dashboard.frame import registry
from docs.picturing import shown
from docs.picturing.filling import fill
from docs.picturing.school import ACCOUNT, School, school

LARGEST: Final = 150_000  # bytes of one picture
COLOURS: Final = (256, 128, 64, 32)
_SETTLES_MS: Final = 700
_DRAWN_MS: Final = 30_000
# Dash has put the page together, and every chart that it has is drawn.
_DRAWN: Final = """() => document.querySelector('h1') && !document.querySelector('[data-dash-is-loading=true]')
  && [...document.querySelectorAll('.dash-graph')].every(one => one.querySelector('.main-svg'))"""
# The clock of the browser is the school's, or every page would say that it is late.
_CLOCK: Final = """(() => {
  const Real = Date, ahead = %d;
  window.Date = class extends Real {
    constructor(...given) { if (given.length) { super(...given); } else { super(Real.now() + ahead); } }
    static now() { return Real.now() + ahead; }
  };
})();"""


def main() -> int:
    """Returns 1 when a page could not be pictured; the others are taken all the same."""
    parser = argparse.ArgumentParser(prog="docs.picturing", description="take a picture of every page")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this page (repeatable)")
    parser.add_argument("--output", type=Path, default=shown.FOLDER, help="folder of the pictures")
    args = parser.parse_args()
    program = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )
    if not program:
        print("screenshots: Chromium was not found; on Debian: apt install chromium fonts-thai-tlwg", file=sys.stderr)
        return 2
    routes = [*(path for _, path in TABLE), *(page.route for page in registry.find())]
    wanted = [one for one in shown.pictures(routes) if not args.only or one.name in args.only]
    args.output.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the school is ended and its folder removed
    with school() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        account = _context(browser, made)
        _sign_in(account, made)
        places = {**made.links(), **fill(made, account)}
        for language in i18n.LANGUAGES:
            for one in wanted:
                # Visitors' pages carry nothing of the account that the others are signed in with.
                context = account if one.who == "account" else _context(browser, made)
                for file, size in one.files(language):
                    try:
                        data = _take(context, made, one, one.path.format(**places), language, size)
                        (args.output / file).write_bytes(small(data))
                        print(f"screenshots: {file}", flush=True)
                    except (BrowserFault, RuntimeError) as error:
                        faults.append(f"{file}: {error}")
                if context is not account:
                    context.close()
        browser.close()
    for fault in faults:
        print(f"screenshots: {fault}", file=sys.stderr)
    if not args.only and not faults:
        for old in {path.name for path in args.output.glob("*.png")} - shown.files(routes):
            (args.output / old).unlink()
    return 1 if faults else 0


def _context(browser: Any, made: School) -> BrowserContext:
    context: BrowserContext = browser.new_context(color_scheme="light", reduced_motion="reduce")
    context.add_init_script(_CLOCK % (made.ahead_s * 1000))
    return context


def _sign_in(context: BrowserContext, made: School) -> None:
    page = context.new_page()
    page.goto(f"{made.url}/login?lang=en")
    page.fill("#name", ACCOUNT)
    page.fill("#password", made.password)
    page.check("#remember")
    page.click("form:has(#password) button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    page.close()


def _take(
    context: BrowserContext, made: School, one: shown.Picture, path: str, language: str, size: tuple[int, int]
) -> bytes:
    page: Page = context.new_page()
    try:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        answer = page.goto(f"{made.url}{path}{'&' if '?' in path else '?'}lang={language}", wait_until="load")
        if answer is None or not answer.ok:
            raise RuntimeError(f"{path} answered {answer.status if answer else 'nothing'}")
        page.wait_for_selector("h1, .wall, main", state="attached", timeout=_DRAWN_MS)
        if one.late:
            page.wait_for_function(_DRAWN, timeout=_DRAWN_MS)
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(_SETTLES_MS)
        return page.screenshot()
    finally:
        page.close()


def small(data: bytes) -> bytes:
    """The same picture in as few colours as LARGEST asks for."""
    whole = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in COLOURS:
        out = io.BytesIO()
        whole.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        if out.tell() <= LARGEST:
            break
    return out.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
