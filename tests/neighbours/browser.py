"""A real browser that never leaves this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.neighbours.ports import HOST
from tests.neighbours.programs import absent

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Chromium:
    """A real browser. Every request that would leave the machine is stopped, kept in `foreign`, and fails the test."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._contexts: list[Any] = []

    def new_page(self, **options: Any) -> Any:
        """A page in a context of its own; `options` as for playwright's `Browser.new_context` (locale, viewport …)."""
        context = self.browser.new_context(**options)
        self._contexts.append(context)
        context.route(lambda url: not self._is_local(url), self._stop_request)
        page = context.new_page()
        page.on("request", self._seen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    @staticmethod
    def _is_local(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about", "chrome-error") or parts.hostname == HOST

    def _seen(self, request: Any) -> None:
        if not self._is_local(request.url):
            self.foreign.append(request.url)

    @staticmethod
    def _stop_request(route: Any) -> None:
        route.abort()

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="session")
def _browser(chromium_program: str) -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=CHROMIUM_ARGUMENTS)
        # Playwright leaves its own loop marked as running in this thread; other tests call asyncio.run.
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium(_browser: Any) -> Iterator[Chromium]:
    """`chromium.new_page()` gives a playwright page; the test fails when a page asked for anything off this machine."""
    browser, loop = _browser
    asyncio._set_running_loop(loop)
    opened = Chromium(browser)
    try:
        yield opened
        opened.close()
    finally:
        asyncio._set_running_loop(None)
    assert not opened.foreign, f"requests left the machine: {opened.foreign}"
