"""While a smoke episode is open or an alert waits for somebody, no page says that nothing needs attention."""

from __future__ import annotations

import time
from typing import Any

import pytest

from classair.i18n import LANGUAGES, t
from tests.classair.alerting.filled import empty_ledger, put
from tests.dashboard.pages.alerting import say
from tests.dashboard.pages.test_silent_parts import put_good, words

PAGES = ("/", "/municipality")


@pytest.fixture
def good(make_house: Any, make_state: Any, tmp_path: Any) -> Any:
    house = make_house(ledger=empty_ledger(tmp_path / "ledger.db"))
    put_good(house, make_state)
    return house


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_all_is_well_only_when_no_episode_is_open_and_no_alert_waits(good: Any, path: str, language: str) -> None:
    well, episode = t(language, "overview.all_well"), t(language, "overview.still_episode")
    say(good, 0)
    assert well in words(good, path, language)
    say(good, 3)
    said = words(good, path, language)
    assert well not in said and said.count(t(language, "pages.alerts.some", n=3)) == 2, "in the header and in the list"
    say(good, 0)
    ledger = good.app.server.state.ctx.records.path
    opened = time.time_ns() // 1_000_000 - 60_000
    put(
        ledger,
        "episode",
        id="e-1",
        name="",
        sites='["ban-suan"]',
        opened_at=opened,
        opened_by="caretaker:x",
        why="smoke",
    )
    said = words(good, path, language)
    assert well not in said and episode in said
