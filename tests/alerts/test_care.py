"""Run hours, filter load, energy and cost: what is counted, what is not, and what follows from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.care import KEPT_EVERY_MS, UNSEEN_MS, Care
from alerts.commands import caring
from alerts.control import usage
from alerts.control.usage import Day, Working
from alerts.ledger import Ledger
from classair.config import Config, parse
from classair.config.purifiers import FilterSettings
from classair.control.signal import Signal
from classair.timetable import ZONE, day_start_ms, to_ms
from classair.units import DAY_MS, HOUR_MS
from classair.wire import PurifierCare, PurifierState

FAN = "s1.fan"
NINE = to_ms(datetime(2026, 11, 23, 9, tzinfo=ZONE))
MONDAY = date(2026, 11, 23)


def config(extra: str = "", price: str = "price_per_kwh: 4") -> Config:
    return parse(f"""
org: demo
{price}
sites:
  s1:
    name: S
    bridges: {{b: {{}}}}
    rooms: {{r: {{name: R, volume_m3: 180}}}}
    sensors: {{}}
    purifiers: {{fan: {{room: r, kind: dry_run, cadr_m3h: 400, watts: 50{extra}}}}}
""")


def air(now: int, dust: float | None = 30.0) -> Signal:
    return Signal(median=dust, newest_at=None if dust is None else now)


class Alerts:
    """The part of alerts that counts, on a real ledger; `run` lets time pass second by second."""

    def __init__(self, path: Path, now: int = NINE, settings: Config | None = None) -> None:
        self.now = now
        self.said: dict[str, PurifierCare] = {}
        self.tells = 0
        self.ledger = Ledger(path)
        self.care = Care(self.ledger, self._say)
        self.care.follow(settings or config())

    def _say(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool:
        assert retain
        self.tells += 1
        self.said[topic] = PurifierCare.model_validate_json(payload)
        return True

    def run(self, seconds: int, on: bool | None, watts: float | None = None, dust: float | None = 30.0) -> None:
        for _ in range(seconds + 1):
            state = PurifierState(purifier=FAN, room="s1.r", on=on, since=self.now, at=self.now, watts=watts)
            self.care.saw(state, air(self.now, dust), self.now)
            self.now += 1000
        self.now -= 1000

    def told(self) -> PurifierCare:
        return self.care.of(FAN, self.now)

    def stop(self) -> None:
        self.care.close()
        self.ledger.close()


@pytest.fixture
def alerts(tmp_path: Path) -> Iterator[Alerts]:
    made = Alerts(tmp_path / "ledger.db")
    yield made
    made.stop()


# -- the ledger of one purifier ----------------------------------------------------------------------------------------


def test_an_hour_at_400_m3h_in_30_ugm3_leaves_12_mg_on_the_filter_and_costs_20_satang(alerts: Alerts) -> None:
    alerts.run(3600, True)
    told = alerts.told()
    assert (told.hours_on, told.filter_dust_mg, told.energy_kwh, told.energy_by) == (1.0, 12.0, 0.05, "rated")
    assert told.cost == 0.2
    assert told.since == MONDAY


def test_nothing_is_counted_while_the_state_is_unknown(alerts: Alerts) -> None:
    alerts.run(600, None, watts=50)
    told = alerts.told()
    assert (told.hours_on, told.starts, told.energy_kwh, told.cost, told.filter_dust_mg) == (0, 0, None, None, 0)
    assert told.known == 0
    alerts.run(600, True)
    alerts.run(600, None)
    assert alerts.told().hours_on == pytest.approx(600 / 3600, abs=0.05)


def test_a_meter_goes_before_the_rated_power_and_both_are_told(alerts: Alerts) -> None:
    alerts.run(3600, True, watts=30)
    assert (alerts.told().energy_kwh, alerts.told().energy_by) == (0.03, "meter")
    alerts.run(3600, True)
    assert (alerts.told().energy_kwh, alerts.told().energy_by) == (0.08, "both")


def test_dust_is_not_invented_where_the_room_has_no_value(alerts: Alerts) -> None:
    alerts.run(3600, True, dust=None)
    assert (alerts.told().hours_on, alerts.told().filter_dust_mg) == (1.0, 0)


def test_starts_are_known_changes_from_off_to_on(alerts: Alerts) -> None:
    for on in (True, False, True, None, True, None, False, None, True):
        alerts.run(30, on)
    assert alerts.told().starts == 2


def test_what_was_counted_survives_stopping_and_the_time_between_is_not_counted(tmp_path: Path) -> None:
    first = Alerts(tmp_path / "ledger.db")
    first.run(3600, True)
    first.stop()
    second = Alerts(tmp_path / "ledger.db", first.now + 5 * HOUR_MS)
    second.run(3600, True)
    assert second.told().hours_on == 2.0
    assert second.told().known == pytest.approx(2 / 16, abs=0.001)
    second.stop()


def test_a_killed_process_loses_a_minute_at_most(tmp_path: Path) -> None:
    first = Alerts(tmp_path / "ledger.db")
    first.run(3600, True)
    first.ledger.close()  # without keeping what is counted
    second = Alerts(tmp_path / "ledger.db", first.now)
    assert 1 - KEPT_EVERY_MS / HOUR_MS - 0.05 <= second.told().hours_on <= 1.0
    second.stop()


@pytest.mark.parametrize("by", [-400 * DAY_MS, -HOUR_MS, HOUR_MS, 400 * DAY_MS])
def test_a_clock_that_is_put_right_counts_nothing_for_the_step(alerts: Alerts, by: int) -> None:
    alerts.run(1800, True)
    alerts.now += by
    alerts.care.clock_stepped()
    alerts.run(1800, True)
    assert alerts.told().hours_on == 1.0


@pytest.mark.parametrize("by", [-HOUR_MS, UNSEEN_MS + 1000, HOUR_MS])
def test_a_process_that_hung_counts_nothing_for_it(alerts: Alerts, by: int) -> None:
    alerts.run(1800, True)
    alerts.now += by
    alerts.run(1800, True)
    assert alerts.told().hours_on == pytest.approx(1.0, abs=0.05)


def test_a_clock_that_goes_back_to_an_old_day_spoils_no_row_of_it(tmp_path: Path) -> None:
    old = Alerts(tmp_path / "ledger.db", NINE - 60 * DAY_MS)
    old.run(3600, True)
    old.stop()
    now = Alerts(tmp_path / "ledger.db")
    now.run(3600, True)
    now.now -= 60 * DAY_MS
    now.care.clock_stepped()
    now.run(3600, True)
    now.stop()
    rows = dict(sqlite3.connect(tmp_path / "ledger.db").execute("select day, on_s from purifier_usage"))
    assert {day: round(on / 3600, 1) for day, on in rows.items()} == {"2026-09-24": 2.0, "2026-11-23": 1.0}


def test_a_clock_that_was_never_set_counts_nothing(tmp_path: Path) -> None:
    early = Alerts(tmp_path / "ledger.db", now=3 * HOUR_MS)
    early.run(3600, True)
    assert early.told().hours_on == 0
    early.stop()


def test_a_new_filter_begins_at_nothing_and_the_run_hours_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    before = Alerts(path, NINE - DAY_MS, config(", filter: {hours: 10, since: 2026-11-01}"))
    before.run(3600, True)
    assert before.told().filter_used == 0.1
    assert before.told().filter_at_least, "counting began after it was fitted"
    before.now = NINE
    before.care.follow(config(", filter: {hours: 10, since: 2026-11-23}"))
    before.run(7200, True)
    told = before.told()
    assert (told.hours_on, told.filter_hours, told.filter_used, told.filter_at_least) == (3.0, 2.0, 0.2, False)
    before.stop()
    again = Alerts(path, NINE + HOUR_MS, config(", filter: {hours: 10, since: 2026-11-23}"))
    assert (again.told().hours_on, again.told().filter_hours) == (3.0, 2.0)
    again.stop()


def test_it_is_told_retained_at_most_every_five_minutes_and_after_a_reconnect(alerts: Alerts) -> None:
    alerts.run(4000, True)
    topic = "classair/v1/demo/s1/purifier/fan/care"
    assert list(alerts.said) == [topic] == list(alerts.care.topics())
    before = alerts.tells
    alerts.run(1500, True)
    assert 4 <= alerts.tells - before <= 6
    alerts.said.clear()
    alerts.care.reconnected()
    alerts.run(10, True)
    assert list(alerts.said) == [topic]


# -- pure --------------------------------------------------------------------------------------------------------------

doings = st.builds(
    Working,
    st.sampled_from([True, False, None]),
    st.none() | st.floats(0, 100),
    st.none() | st.floats(1, 100),
    st.floats(1, 1000),
    st.none() | st.floats(0, 500),
)


@given(doings, st.integers(0, 2 * DAY_MS), st.integers(0, 2 * DAY_MS), st.integers(0, 2 * DAY_MS))
def test_a_stretch_cut_anywhere_comes_to_the_same_and_every_second_is_in_its_day(
    doing: Working, start: int, first: int, second: int
) -> None:
    start += NINE
    whole, parts = Day(), Day()
    for day, seconds in usage.by_day(start, start + first + second):
        assert 0 < seconds <= 86_400 and day_start_ms(day) <= start + first + second
        whole.add(usage.spent(doing, seconds))
    for begin, end in ((start, start + first), (start + first, start + first + second)):
        for _, seconds in usage.by_day(begin, end):
            parts.add(usage.spent(doing, seconds))
    for name in usage.NAMES:
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
    assert whole.known_s == pytest.approx(0 if doing.on is None else (first + second) / 1000)
    assert whole.dust_s <= whole.on_s + 1e-6
    if doing.on is None:
        assert whole == Day()


def days(count: int, hours: float, mg: float = 0.0, watts: float = 50.0) -> dict[date, Day]:
    one = {"on_s": hours * 3600, "off_s": (24 - hours) * 3600, "rated_s": hours * 3600, "rated_wh": hours * watts}
    return {MONDAY - timedelta(days=back): Day(**one, dust_mg=mg, dust_s=hours * 3600) for back in range(count)}


def figured(known: dict[date, Day], price: float | None = 4.0, **filter_: Any) -> usage.Figures:
    ever = usage.joined(known.values())
    began = min(known, default=MONDAY)
    last = usage.recent(known, MONDAY)
    return usage.figures(ever, ever, last, FilterSettings(**filter_), price, began, MONDAY)


def test_a_filter_is_due_at_the_rate_of_the_last_30_days_by_whichever_ends_first() -> None:
    known = days(30, hours=8, mg=100)
    # 240 h of 1000 are gone; 760 h at 8 h a day are 95 days. 3000 mg of 10 000; 7000 mg at 100 are 70 days.
    by_hours = figured(known, hours=1000)
    assert (by_hours.used, by_hours.due, by_hours.due_by) == (0.24, MONDAY + timedelta(days=95), "hours")
    both = figured(known, hours=1000, load_mg=10_000)
    assert (both.used, both.due, both.due_by) == (0.3, MONDAY + timedelta(days=70), "load")


def test_a_year_costs_what_the_last_30_days_drew() -> None:
    found = figured(days(30, hours=8, mg=100), hours=1000, load_mg=10_000)
    # 8 h of 50 W are 0.4 kWh a day, 146 kWh a year.
    assert found.yearly_electricity == pytest.approx(584)


def test_a_filter_that_lasts_100_days_is_paid_three_and_a_half_times_a_year() -> None:
    known = days(30, hours=10)
    ever = usage.joined(known.values())
    filter_ = FilterSettings(hours=1000, price=1000)
    found = usage.figures(ever, ever, usage.recent(known, MONDAY), filter_, 4.0, min(known), MONDAY)
    assert found.yearly_filters == pytest.approx(3650)


def test_nothing_is_projected_from_less_than_three_known_days() -> None:
    found = figured(days(2, hours=24), hours=1000)
    assert (found.due, found.yearly_electricity) == (None, None)
    assert found.used == pytest.approx(0.048)


def test_unknown_time_changes_no_rate() -> None:
    """Half of each day unknown: what is known of the other half stands for a day."""
    half = {day: Day(on_s=4 * 3600, off_s=8 * 3600) for day in days(20, 8)}
    assert figured(half, hours=1000).due == MONDAY + timedelta(days=115)  # 920 h at 8 h a day


def test_a_filter_beyond_its_life_is_due_today_and_one_that_never_runs_is_not_dated() -> None:
    assert figured(days(30, hours=8), hours=100).due == MONDAY
    idle = figured(days(30, hours=0), hours=100)
    assert (idle.due, idle.due_by, idle.used) == (None, "", 0)


def test_without_a_price_or_a_power_there_is_no_cost() -> None:
    assert figured(days(30, hours=8), None).cost is None
    unpowered = {MONDAY: Day(on_s=3600)}
    assert figured(unpowered).cost is None and figured(unpowered).energy_by == ""


@given(
    st.floats(0, 24),
    st.floats(0, 5000),
    st.integers(0, 40),
    st.none() | st.floats(1, 10_000),
    st.none() | st.floats(1, 100_000),
)
def test_the_due_date_is_never_in_the_past_and_figures_are_finite(
    hours: float, mg: float, count: int, life: float | None, load: float | None
) -> None:
    found = figured(days(count, hours, mg), hours=life, load_mg=load)
    assert found.due is None or MONDAY <= found.due <= MONDAY + timedelta(days=usage.LONGEST)
    assert (found.used is None) == (life is None and load is None)
    assert (found.due is None) == (found.due_by == "")


def test_a_slower_speed_cleans_and_draws_less_and_an_unnamed_one_is_the_full_one() -> None:
    speeds = ", speeds: [{name: low, cadr_m3h: 120, watts: 8}, {name: mid, cadr_m3h: 200}, {name: high, cadr_m3h: 400}]"
    unit = config(speeds).sites["s1"].purifiers["fan"]

    def at(speed: str) -> tuple[float, float | None]:
        state = PurifierState(purifier=FAN, room="s1.r", on=True, since=1, at=1, speed=speed)
        doing = usage.working(state, unit, 20.0)
        return doing.cadr_m3h, doing.rated

    assert [at(speed) for speed in ("low", "mid", "high", "", "gone")] == [
        (120, 8),
        (200, None),  # what it draws between the slowest and the fastest nobody knows
        (400, 50),
        (400, 50),
        (400, 50),
    ]


def test_many_short_runs_are_added_up_without_losing_seconds(alerts: Alerts) -> None:
    for on in (True, False) * 60:
        alerts.run(7, on)
    alerts.run(0, None)
    alerts.care.close()
    assert alerts.ledger.sync()
    (row,) = alerts.ledger.usage()
    total = Day(*row[2:])
    assert total.known_s == pytest.approx((alerts.now - NINE) / 1000)
    assert total.on_s == pytest.approx(7 * 60)


def test_the_command_says_the_same_from_the_ledger_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = config(", filter: {hours: 10, since: 2026-11-23}")
    counting = Alerts(tmp_path / "ledger.db", settings=settings)
    assert caring.show(tmp_path / "ledger.db", settings, FAN, "en", NINE) == 0
    assert capsys.readouterr().out == "Nothing has been counted of s1.fan yet.\n"
    counting.run(3600, True)
    counting.stop()
    assert caring.show(tmp_path / "ledger.db", settings, FAN, "en", counting.now) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "Run hours: 1 h, 0 starts",
        "Filter: 10% used · due date not known yet",
        "Dust on the filter: 12 mg",
    ]
    assert said[-1].startswith("Counted since Mon 23 Nov 2026")
    assert caring.show(tmp_path / "ledger.db", settings, FAN, "th", counting.now) == 0
    assert "ชั่วโมงทำงาน: 1 ชม." in capsys.readouterr().out
    assert caring.show(tmp_path / "no.db", settings, FAN, "en", NINE) == 0
