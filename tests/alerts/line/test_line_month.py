"""A month with a quota of 300, 60 people and two weeks of smoke (benchmarks/alerting/line_month.py)."""

from __future__ import annotations

import pytest

from benchmarks.alerting.line_month import faults, play
from benchmarks.alerting.linemonth.drawing import START, month


@pytest.mark.servers
@pytest.mark.slow
def test_every_urgent_message_reaches_its_person_or_they_were_listed_before_the_first_one() -> None:
    played = play(seed=11, recipients=60, quota=300)
    assert faults(played, 300) == []
    assert played.used == 300, "LINE is used while its quota lasts"
    assert played.by_line + played.by_second + sum(played.unreached.values()) >= played.urgent > 1_000
    assert played.by_second > 500
    assert "the quota ends on day 5" in played.listed_words
    assert played.listed == set(month(11, 60).people) - month(11, 60).with_second
    assert set(played.unreached) <= played.listed
    assert played.first_unreached_at is not None and played.first_unreached_at > START
    assert played.forecasts, "and as it is used up, the day of its end is told"


@pytest.mark.servers
@pytest.mark.slow
def test_a_quota_that_is_large_enough_reaches_everybody_by_line() -> None:
    played = play(seed=12, recipients=24, quota=2_000)
    assert faults(played, 2_000) == []
    assert played.unreached == {}
    assert played.by_line > played.by_second  # who blocked the account in the middle of the month has the second one
    assert "day" not in played.listed_words
