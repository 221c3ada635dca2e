"""Levels, indices, flags as stretches, rollups, NowCast, estimates, calendar, versions: as a script meets them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from classair.model import Flag, Reading
from classair.units import DAY_MS, HOUR_MS
from dashboard.queries.daily import means_by_day
from dashboard.queries.flagged import stretches

MONDAY = 1_795_366_800_000  # 2026-11-23T00:00+07:00
ROOM, PM = "ban-suan.p1-2", "ban-suan.p1-2-pm"
DAY = f"start={quote('2026-11-23T00:00:00+07:00')}&end={quote('2026-11-24T00:00:00+07:00')}"


def test_hours_have_levels_and_only_a_whole_day_has_an_aqi(school: Any) -> None:
    table = f"/api/v1/table?rooms={ROOM}&first=2026-11-23&last=2026-11-23&index=thai2023"
    hours = school.ask(table).json["rows"]
    assert (hours[0]["level"], hours[10]["level"], hours[20]["level"]) == (None, "very_good", "good")
    assert all(row["aqi"] is None for row in hours)
    day = school.ask(table + "&step=1d").json["rows"][0]
    # 23 complete hours, 1 to 23: their mean is 12, which is 20 of the Thai index (25 at 15.0).
    assert (day["mean_24h"], day["aqi"]) == (12.0, "20")
    assert school.ask(table + "&step=1d&lesson=1").json["rows"][0]["aqi"] is None
    assert school.ask(table + "&step=1d&index=thai2032").status == 422


def test_a_day_with_seventeen_complete_hours_has_no_index() -> None:
    def mean(hours: int, thin: int = 0) -> float:
        starts = np.arange(hours + thin) * HOUR_MS + MONDAY
        values = np.array([10.0] * hours + [np.nan] * thin)
        return float(means_by_day(starts, values, np.array([MONDAY - DAY_MS, MONDAY]))[1])

    assert np.isnan(mean(17)) and np.isnan(mean(17, thin=7))
    assert mean(18) == 10.0 == mean(18, thin=6)


def test_flags_are_stretches_with_how_often_and_which(school: Any) -> None:
    answer = school.ask(f"/api/v1/flags?room={ROOM}&{DAY}").json
    assert answer["total"] == 1
    assert answer["flags"][0] == {
        "sensor": PM,
        "room": ROOM,
        "quantity": "",
        "flag": "WARMUP",
        "bad": True,
        "count": 30,
        "simulated": True,
        "start": "2026-11-23T00:00:00+07:00",
        "end": "2026-11-23T00:29:00+07:00",
    }
    misspelt = school.ask(f"/api/v1/flags?room={ROOM}&{DAY}&sensor=ban-suan.other")
    assert misspelt.status == 404 and "ban-suan.other" in misspelt.text, "never an empty answer for a wrong name"


def test_a_pause_ends_a_stretch_and_each_flag_of_each_quantity_has_its_own() -> None:
    def reading(minute: int, **flags: int) -> Reading:
        return Reading(
            PM,
            "b.b",
            "ab12cd34ef",
            minute + 1,
            MONDAY + minute * 60_000,
            {"pm25": 1.0, "pm10": 2.0},
            60.0,
            room=ROOM,
            value_flags=flags,
        )

    stuck, both = int(Flag.STUCK), int(Flag.STUCK | Flag.RH_HIGH)
    found = sorted(
        stretches(
            [
                reading(0, pm25=stuck),
                reading(1, pm25=both),
                reading(2),
                reading(3, pm25=stuck),
                reading(9, pm25=stuck, pm10=stuck),
            ]
        ),
        key=lambda one: (one.start_ms, one.flag),
    )
    assert [(one.quantity, one.flag, one.bad, one.count) for one in found] == [
        ("pm25", "STUCK", True, 3),
        ("pm25", "RH_HIGH", False, 1),
        ("pm25", "STUCK", True, 1),
        ("pm10", "STUCK", True, 1),
    ]


def test_rollups_of_minutes_hours_and_days_agree(school: Any) -> None:
    def asked(more: str) -> Any:
        return school.ask(f"/api/v1/rollups?room={ROOM}&sensor={PM}&{DAY}&{more}").json

    day, hours = asked("grain=1d")["rollups"], asked("grain=1h")["rollups"]
    assert len(day) == 1 and len(hours) == 24
    assert day[0]["n"] == sum(row["n"] for row in hours) == 1410
    assert day[0]["sum"] == sum(row["sum"] for row in hours)
    assert day[0]["bad"] == {"warmup": 30}
    page, found = asked("grain=1m&limit=1000"), []
    found += page["rollups"]
    rest = school.ask(
        f"/api/v1/rollups?room={ROOM}&sensor={PM}&start={quote(page['next'])}"
        f"&end={quote('2026-11-24T00:00:00+07:00')}&grain=1m&limit=1000"
    ).json
    assert rest["next"] is None and len(found + rest["rollups"]) == 1440


def test_nowcast_stands_beside_its_hour_and_is_called_what_it_is(school: Any) -> None:
    hours = school.ask(f"/api/v1/rooms/{ROOM}/nowcast?{DAY}").json["hours"]
    assert len(hours) == 24
    assert hours[0]["nowcast"] is None and hours[2]["nowcast"] is not None
    assert hours[5]["named"] == "nowcast_aqi"
    assert school.ask(f"/api/v1/rooms/{ROOM}/nowcast?{DAY}&index=thai2023").json["hours"][5]["named"] == "level"


def test_estimates_say_what_the_command_says_or_that_they_cannot_tell(school: Any) -> None:
    pytest.importorskip("numpy")
    answer = school.ask(f"/api/v1/rooms/{ROOM}/estimates?first=2026-11-23&last=2026-11-23").json
    exposure = next(one for one in answer["estimates"] if one["quantity"] == "exposure")
    assert exposure["mean"] == pytest.approx((8.5 + 9 * 2 + 10 * 2 + 11 + 12 + 13 * 2 + 14 * 2 + 15) / 12, abs=2)
    assert any(one.get("value") is None and one.get("why") for one in answer["estimates"])
    assert answer["simulated"] is True


def test_the_calendar_says_why_a_day_has_no_school(school: Any) -> None:
    days = school.ask(f"/api/v1/calendar?room={ROOM}&first=2026-11-23&last=2026-12-05").json["days"]
    by_day = {row["day"]: row for row in days}
    assert by_day["2026-11-23"]["lessons"][0] == {"start": "08:30:00", "end": "11:30:00"}
    assert (by_day["2026-11-28"]["school"], by_day["2026-11-28"]["why"]) == (False, "weekend")
    assert by_day["2026-12-05"]["lessons"] == []


def test_versions_name_the_state_of_days(school: Any) -> None:
    answer = school.ask("/api/v1/versions?site=ban-suan&first=2026-11-22&last=2026-11-24").json
    assert answer["versions"] == {date(2026, 11, 23).isoformat(): 1}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"/api/v1/flags?room={ROOM}&start=1785401320000&end=1795401320000", 422, "at most 7 days"),
        (f"/api/v1/flags?room=ban-suan.p1-3&{DAY}", 404, "did you mean"),
        (f"/api/v1/rollups?room={ROOM}&{DAY}&quantity=radon", 422, "pm25, pm10"),
        (f"/api/v1/rollups?room={ROOM}&{DAY}&quantity=pm1&grain=1m", 422, "1h or 1d"),
        (f"/api/v1/rollups?room={ROOM}&{DAY}&grain=1w", 422, "1d"),
        (f"/api/v1/rooms/{ROOM}/nowcast?{DAY}&index=magic", 422, "known"),
        (f"/api/v1/rooms/{ROOM}/nowcast?{DAY}&quantity=co2_ppm", 422, "pm10"),
        (f"/api/v1/rooms/{ROOM}/estimates?first=2026-01-01&last=2026-11-23", 422, "must not exceed 62 days"),
        (f"/api/v1/rooms/{ROOM}/estimates?first=2026-11-23&last=2026-11-22", 422, "before first"),
        (f"/api/v1/calendar?room={ROOM}&first=2026-11-23&last=2028-11-23", 422, "must not exceed 400 days"),
        ("/api/v1/calendar?room=ban-suan.zz&first=2026-11-23&last=2026-11-23", 404, "did you mean"),
        ("/api/v1/versions?site=ban-suam&first=2026-11-23&last=2026-11-23", 404, "did you mean ban-suan?"),
    ],
)
def test_what_cannot_be_answered_says_what_would_be_right(school: Any, path: str, status: int, said: str) -> None:
    answer = school.ask(path)
    assert answer.status == status
    assert said in json.dumps(answer.json)
