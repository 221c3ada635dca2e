"""Reference pictures of the weekly report, each looked at by a person when it changed.

Make them anew: `python -m tests.dashboard.reports.test_week_pictures`, and look at every one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from pypdfium2 import PdfDocument

from dashboard.reports import engine
from dashboard.reports.week import page
from dashboard.reports.week.numbers import Deeds, WeekReport
from tests.dashboard.reports import weeks

PICTURES = Path(__file__).parent / "pictures"
MARKS = "ที่ นี้ น้ำ กี่ ปั๊ม ญี่ปุ่น"

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(bool(engine.unavailable()), reason=engine.unavailable() or "can be made"),
]


def all_levels() -> WeekReport:
    """Every level, a gap of two hours, and everything that a school can have done."""
    air = (10.0, 20.0, 30.0, 50.0, 90.0)
    week = weeks.air(
        lambda day, n: None if day == 3 and 4 <= n < 14 else air[(day + n // 3) % 5] + (n * 5 + day) % 7,
        lambda day, n: 60.0 + 4 * day + (n * 7) % 11,
        lambda day, n: 900.0 + 20 * n,
    )
    deeds = Deeds(purifier_percent=88, airings=3, cancelled=[weeks.MONDAY])
    return weeks.report(week, ["broker_away", "off"], deeds)


def good() -> WeekReport:
    return weeks.report(weeks.air(lambda day, n: 8.0 + n % 9, lambda day, n: 24.0 + n % 8))


def not_enough() -> WeekReport:
    few = weeks.air(lambda day, n: 18.0 + n % 5 if day < 2 else None, lambda day, n: None, lambda day, n: None)
    return weeks.report(few, [])


CASES: dict[str, tuple[Callable[[], WeekReport], str]] = {
    "levels-gap-th": (all_levels, "th"),
    "levels-gap-en": (all_levels, "en"),
    "good-th": (good, "th"),
    "not-enough-th": (not_enough, "th"),
    "not-enough-en": (not_enough, "en"),
}


def drawn(name: str) -> bytes:
    make, language = CASES[name]
    html = page.printed(make(), weeks.schools(MARKS, "P.1/2"), language, "a" * 80)
    return engine.render(html, "png", title="x", language=language)


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_as_it_was_looked_at(name: str, tmp_path: Path) -> None:
    made = drawn(name)
    (tmp_path / f"{name}.png").write_bytes(made)
    with Image.open(io.BytesIO(made)) as now, Image.open(PICTURES / f"{name}.png") as then:
        assert now.size == then.size
        apart = ImageChops.difference(now.convert("L"), then.convert("L"))
    # Another version of a library may smooth edges a little differently; a moved line or a lost mark is far more.
    assert ImageStat.Stat(apart).mean[0] < 0.6, f"look at {tmp_path / f'{name}.png'}"
    assert sum(apart.histogram()[96:]) < 0.002 * apart.size[0] * apart.size[1]


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_week_with_everything_to_say_stays_one_sheet(language: str) -> None:
    air = (10.0, 20.0, 30.0, 50.0, 90.0, None)
    worst = weeks.air(lambda day, n: air[(n + day) % 6], lambda day, n: 90.0)
    deeds = Deeds(
        purifier_percent=88, purifier_unknown=True, airings=3, cancelled=[day.day for day in all_levels().days]
    )
    report = weeks.report(worst, ["thinned", "spool_full"], deeds)
    assert all(len(day.shares) == 6 for day in report.days) and len(report.gaps) > 6
    html = page.printed(report, weeks.schools(MARKS * 2, "Reception class of Miss Example"), language, "a" * 80)
    with PdfDocument(engine.render(html, "pdf", title="x", language=language)) as document:
        assert len(document) == 1


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for each in CASES:
        (PICTURES / f"{each}.png").write_bytes(drawn(each))
