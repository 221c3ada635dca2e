"""A sensor whose line is sound and whose values are not: the health page says why they are excluded."""

from __future__ import annotations

from typing import Any

import pytest

from classair.i18n import t
from classair.model import Flag, Reading
from classair.wire import SensorHealth, Topics
from dashboard.pages import health
from dashboard.pages.health.sensor_rows import DOUBTED_MS, asked


@pytest.mark.parametrize(
    ("flag", "well", "key"),
    [
        (Flag.STUCK, "wait", "set_aside"),
        (Flag.RH_HIGH, "yes", "doubted"),
    ],
)
def test_the_health_page_says_why_values_are_excluded(own_house: Any, flag: Flag, well: str, key: str) -> None:
    ctx = own_house.app.server.state.ctx
    now, sensor = ctx.now_ms(), "ban-suan.p1-2-pm"
    own_house.live.hear(
        Topics(own_house.config.org).sensor_health("ban-suan", "p1-2-pm"),
        SensorHealth(state="ok", at=now, bridge="suan-pi").model_dump_json().encode(),
    )
    ctx.queries._store().write(
        [
            Reading(
                sensor,
                "ban-suan.suan-pi",
                "ab12cd34ef",
                10**13,
                now,
                {"pm25": 44.0},
                room="ban-suan.p1-2",
                simulated=True,
                value_flags={"pm25": int(flag)},
            )
        ]
    )
    stored = asked(ctx)
    assert stored.fault == "" and stored.doubts[sensor] == flag
    for language in ("en", "th"):
        words = t(language, f"health_page.{key}", why=t(language, f"flag.{str(flag.name).lower()}"))
        row = next(row for row in health.rows(ctx, language, stored) if row.name == "p1-2-pm")
        assert row.well == well and words in row.cause
    own_house.offset_ms = DOUBTED_MS
    assert sensor not in asked(ctx).doubts, "an old reading says nothing of how it is now"
