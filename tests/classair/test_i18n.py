"""Dates and texts in a reader's language, as the language's own file says it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from classair import config, i18n
from classair.timetable import ZONE

MORNING = datetime(2026, 11, 23, 9, 5, tzinfo=ZONE)
WRITTEN = {
    "th": {
        "long": "วันจันทร์ที่ 23 พฤศจิกายน\u00a0พ.ศ.\u00a02569",
        "medium": "23 พ.ย. 2569",
        "short": "จ. 23 พ.ย. 2569",
        "time": "09.05\u00a0น.",
        "day_time": "23 พ.ย. 2569 09.05\u00a0น.",
    },
    "en": {
        "long": "Monday 23 November 2026",
        "medium": "Mon 23 Nov 2026",
        "short": "Mon 23 Nov 2026",
        "time": "09:05",
        "day_time": "Mon 23 Nov 2026, 09:05",
    },
}


@pytest.mark.parametrize("language", WRITTEN)
def test_a_moment_is_written_in_the_languages_calendar(language: str) -> None:
    styles: tuple[i18n.DateStyle, ...] = ("long", "medium", "short", "time", "day_time")
    assert {style: i18n.show_date(MORNING, language, style) for style in styles} == WRITTEN[language]


def test_a_stretch_of_days_names_month_and_year_once() -> None:
    monday, sunday = date(2026, 12, 28), date(2027, 1, 3)
    assert i18n.show_days(monday, sunday, "en") == "28 Dec 2026 – 3 Jan 2027"
    assert i18n.show_days(monday, sunday, "th") == "28 ธ.ค. 2569 – 3 ม.ค. 2570"
    assert i18n.show_days(date(2026, 11, 30), date(2026, 12, 6), "en") == "30 Nov – 6 Dec 2026"
    assert i18n.show_days(date(2026, 11, 23), date(2026, 11, 29), "th") == "23–29 พ.ย. 2569"
    assert i18n.show_month(monday, "th") == "ธันวาคม 2569"


def test_english_comes_last_and_whatever_is_missing_is_english() -> None:
    assert i18n.LANGUAGES[-1] == i18n.REFERENCE == "en"
    assert i18n.t("there-is-no-such-language", "level.good") == i18n.t("en", "level.good")


def test_texts_that_exist_already_are_not_replaced_by_anothers(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[level]\ngood = "Fine"\n')
    with pytest.raises(ValueError, match=r"level\.good"):
        i18n.add_texts(tmp_path)
    assert i18n.t("en", "level.good") == "Good"


def test_a_name_by_language_falls_back_to_english_then_to_any() -> None:
    title = config.Titles.model_validate
    assert title({"th": "ก", "en": "A"}).in_("th") == "ก"
    assert title({"en": "A"}).in_("th") == "A"
    assert title({"th": "ก"}).in_("en") == "ก"


def test_a_language_that_does_not_exist_is_refused_with_those_that_do() -> None:
    school = (
        "org: some-town\nlanguage: tlh\n"
        "sites: {a: {name: {tlh: A}, bridges: {b: {}}, rooms: {r: {name: R, outdoor: yes}}, sensors: {}}}\n"
    )
    with pytest.raises(config.ConfigFaults) as refused:
        config.parse(school)
    for path in ("language", "sites.a.name.tlh"):
        assert f"{path}: unknown language 'tlh'; known: th, en" in str(refused.value)
