"""The rules of every page and paper that people read, checked on the text they read, at values near the limits.

The school is in tests/dashboard/ground.py; a new working page is read here without being named.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from classair import PACKAGES, i18n
from classair.config import Config
from classair.science.state import PM25
from dashboard.frame import registry
from dashboard.frame.parts import name_order
from tests.dashboard.ground import LANGUAGES, LATE, NEVER, ROOM, ROOMS, SILENT, School, limits

pytestmark = pytest.mark.servers
ROOT: Final = Path(__file__).parents[2]
LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
LIGHT: Final = ("display", "town", "report", "activity", "training", "clean-room", "week", "month", "notify", "ticket")
SHOWN: Final = [
    *(page.name for page in registry.find() if page.light),
    *LIGHT,
    *(f"{kind}-{room}" for kind in ("door", "room") for room in ROOMS),
]
OF_A_STATE: Final = ("overview", "municipality", *(f"{kind}-{room}" for kind in ("door", "room") for room in ROOMS))
PUBLIC: Final = ("town", "report", "activity", "week", "month", "ticket", f"door-{ROOM}")
NBSP: Final = "\u00a0"

every_language = pytest.mark.parametrize("language", LANGUAGES)
every_page = pytest.mark.parametrize("name", SHOWN)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, schools: Config) -> Iterator[School]:
    with limits(tmp_path_factory.mktemp("ground"), schools) as made:
        yield made


@pytest.fixture(scope="module")
def _read() -> dict[tuple[str, str], str]:
    return {}


@pytest.fixture
def text(school: School, _read: dict[tuple[str, str], str], name: str, language: str) -> str:
    """The page's text as people read it, read once."""
    if (name, language) not in _read:
        _read[name, language] = school.read(name, language)
    return _read[name, language]


# -- spelling ----------------------------------------------------------------------------------------------------------


def spelling(text: str, language: str) -> list[str]:
    """What is wrong in it, with its surroundings."""
    wrong = {
        "CO2 without its subscript": r"CO2(?!\w)",
        "no U+00A0 before a unit": r"[^\S\u00a0](?:น\.|ppm\b|มคก\.|พ\.ศ\.)|(?<=[\d–])(?:ppm\b|มคก\.)",
        "no U+00A0 behind พ.ศ.": r"พ\.ศ\.[^\S\u00a0]*(?=[\d{])",
        "a Thai digit": "[๐-๙]",
    }
    if language == "th":
        wrong |= {
            "µg/m³ in Thai": "µg/m³|ug/m3",
            "a year of the Gregorian calendar": r"(?<![\w.,/-])20[2-3]\d(?![\d-])",
        }
    else:
        wrong |= {"มคก. in English": r"มคก\.", "a wrong µg/m³": r"ug/m3|μg/m³|µg/m3"}
    return [
        f"{what}: {text[max(0, at.start() - 20) : at.end() + 20]!r}"
        for what, pattern in wrong.items()
        for at in re.finditer(pattern, text)
    ]


def prose(text: str) -> str:
    """Without commands, addresses and names of files, which are as machines want them."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("classair "))


@every_page
@every_language
def test_units_years_and_digits_are_written_as_people_write_them(text: str, language: str) -> None:
    assert spelling(prose(text), language) == []


@every_language
def test_the_answers_of_line_and_the_wall_are_written_so_too(school: School, language: str) -> None:
    wrong = {
        (room, where): found
        for room in ROOMS
        for where, said in school.said(room, language).items()
        if (found := spelling(said, language))
    }
    assert wrong == {}


@every_language
def test_every_text_there_is_keeps_to_the_spelling(language: str) -> None:
    """Those of pages that are put together in the browser, of papers about other weeks and of rare states too."""
    own = {
        key
        for package in PACKAGES
        for file in (ROOT / package).rglob(f"locales/{language}.toml")
        for key in keys(tomllib.loads(file.read_text("utf-8")))
    }
    wrong = {
        key: found
        for key in own
        if key in i18n.texts(language)
        and not key.startswith(("codebook.", "language.date."))
        and (found := spelling(i18n.t(language, key), language))
    }
    assert wrong == {}


TOLD: Final = {
    "th": r"ได้รับแจ้งแล้ว|แจ้ง(?:ผู้|หัวหน้า|ครู|ช่าง)\S*แล้ว|ทราบเรื่องแล้ว",
    "en": r"\bthe \w+(?: in charge)? (?:knows?|(?:has|have) been (?:told|notified|informed)|(?:was|were) told)\b",
}
FROM_RECEIPTS: Final = {
    "ticket.step.told",
    *(f"reason.silent_told{outdoors}" for outdoors in ("", "_flag")),
}


@every_language
def test_only_sentences_that_come_from_receipts_say_that_somebody_was_told(language: str) -> None:
    said = {key for key in i18n.texts(language) if re.search(TOLD[language], i18n.t(language, key), re.IGNORECASE)}
    assert said == FROM_RECEIPTS


def keys(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


# -- numbers and levels ------------------------------------------------------------------------------------------------


def numbers_beside_words(text: str, language: str) -> Iterator[tuple[str, list[str]]]:
    """Each PM2.5 number with the level words that stand on its line with no other number between."""
    words = {i18n.t(language, f"level.{level}").casefold(): level for level in LEVELS}
    words |= {i18n.t(language, f"alert_message.colour.{level}").casefold(): level for level in LEVELS}
    word = "|".join(re.escape(one) for one in sorted(words, key=len, reverse=True))
    unit = re.escape(i18n.t(language, "unit.ugm3"))
    number = rf"(?<![\d.])(?P<number>\d+(?:\.\d)?)(?:\s*{unit})"
    for line in text.casefold().split("\n"):
        found = list(re.finditer(rf"{number}|(?<!\w)(?P<word>{word})(?!\w)", line))
        for place, one in enumerate(found):
            if one["number"]:
                beside = [
                    words[other["word"]]
                    for other in (*found[max(0, place - 1) : place], *found[place + 1 : place + 2])
                    if other["word"] and min(abs(other.start() - one.end()), abs(one.start() - other.end())) <= 30
                ]
                if beside:
                    yield one["number"], beside


@pytest.mark.parametrize("pm25", [15.0, 15.04, 15.1, 25.0, 25.2, 37.4, 37.5, 37.6, 75.0, 75.04, 75.1])
@every_language
def test_a_number_as_printed_is_within_the_level_beside_it(school: School, language: str, pm25: float) -> None:
    outdoor = 12.0 if pm25 > 25 else 60.0
    school.say(pm25, 1001, outdoor)
    level, shown = PM25.level_of(pm25), PM25.shown(pm25)
    assert PM25.level_of(float(shown)) == level
    read = {name: school.markup(name, language) for name in ("overview", f"door-{ROOM}", f"room-{ROOM}")}
    for name, markup in read.items():
        printed = {number for number, _ in printed_levels(markup)}
        assert shown in printed, (name, printed)
        assert [
            (number, beside) for number, beside in printed_levels(markup) if PM25.level_of(float(number)) != beside
        ] == []
    for said in school.said(ROOM, language).values():
        for number, beside in numbers_beside_words(said, language):
            assert PM25.level_of(float(number)) in beside, said
    assert i18n.t(language, f"level.{level}").casefold() in school.said(ROOM, language)["line"].casefold()
    assert re.search(rf"(?<![\d.]){re.escape(shown)}(?![\d.])", school.said(ROOM, language)["line"])


def printed_levels(markup: str) -> list[tuple[str, str]]:
    """Each PM2.5 number of a card with the level of its swatch: before it on a room's card, behind it outdoors."""
    marks = re.finditer(
        r'class="[^"]*\blevel\b[^"]*"[^>]*data-level="(?P<level>\w+)"|data-level="(?P<other>\w+)"[^>]*class="[^"]*\blevel\b'
        r'|class="number"[^>]*><b>(?P<number>[\d.]+)</b>',
        markup,
    )
    found: list[tuple[str, str]] = []
    waiting, last = "", ""
    for mark in marks:
        level = mark["level"] or mark["other"]
        if mark["number"] and last in LEVELS:
            found.append((mark["number"], last))
            last = ""
        elif mark["number"]:
            waiting = mark["number"]
        elif waiting:
            found.append((waiting, level))
            waiting = ""
        else:
            last = level
    return [(number, level) for number, level in found if level in LEVELS]


@every_page
@every_language
def test_a_number_in_a_sentence_is_within_the_level_that_the_sentence_says(text: str, language: str) -> None:
    wrong = [
        (number, beside)
        for number, beside in numbers_beside_words(text, language)
        if PM25.level_of(float(number)) not in beside
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["today", "week", *(f"door-{room}" for room in ROOMS[:-1])])
@every_language
def test_shares_of_one_whole_as_printed_add_up_to_100(text: str, language: str) -> None:
    words = [i18n.t(language, f"level.{level}") for level in LEVELS] + [
        i18n.t(language, "week.no_data"),
        i18n.t(language, "digest.no_data") if i18n.has("digest.no_data") else i18n.t(language, "week.no_data"),
    ]
    share = "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))
    wholes, before = [], 100
    for found in re.finditer(rf"(?<![\w–])(?<!or )(?<!very )(?P<word>{share})[\s·,]*(?P<n>\d+)%", text, re.IGNORECASE):
        place = [word.casefold() for word in words].index(found["word"].casefold())
        if place <= before or wholes[-1] >= 100:
            wholes.append(0)
        wholes[-1] += int(found["n"])
        before = place
    assert len(wholes) >= 1 and set(wholes) == {100}, wholes


@every_language
def test_good_and_very_good_together_are_what_their_shares_add_up_to_where_nothing_is_missing(
    school: School, language: str
) -> None:
    text, told = school.read("today", language), 0
    for said, shares in itertools.pairwise(text.split("\n")):
        whole = re.search(r"(?:ดี–ดีมาก|good or very good) (\d+)%", said)
        if whole is not None and "100%" not in shares:
            parts = [int(n) for n in re.findall(r"(?<!\w)(?:ดีมาก|ดี|very good|good) (\d+)%", shares, re.IGNORECASE)]
            assert int(whole[1]) == sum(parts), (said, shares)
            told += 1
    assert told >= 3


# -- what is said and what is not --------------------------------------------------------------------------------------


@every_page
@every_language
def test_aqi_is_said_of_24_hour_means_only(text: str, language: str) -> None:
    day = "24"
    assert [line for line in text.split("\n") if "AQI" in line and day not in line] == []


RANKING: Final = {
    "th": r"(?<!ไม่ใช่การจัด)อันดับ|แย่ที่สุด|ดีที่สุด|ชนะ|คะแนน",
    "en": r"(?<!not a )\brank|\bbest\b|\bworst\b|\bleague\b|\bscore\b|\bwinner\b|\btop \d",
}


@pytest.mark.parametrize("name", PUBLIC)
@every_language
def test_nothing_public_ranks_rooms_or_schools(text: str, language: str) -> None:
    assert re.findall(RANKING[language], text, re.IGNORECASE) == []


def names_in(text: str, names: list[str]) -> list[list[str]]:
    """Runs in which several different names follow each other in the text."""
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = [match[0] for match in re.finditer(rf"(?<![\w./])(?:{pattern})(?![\w/])", text)]
    plain = [name for name, _ in itertools.groupby(found)]
    runs: list[list[str]] = [[]]
    for name in plain:
        if name in runs[-1]:
            runs.append([])
        runs[-1].append(name)
    return [run for run in runs if len(run) > 1]


LISTS: Final = (
    "overview",
    "display",
    "reports",
    "today",
    "clean_rooms",
    "exports",
    "month",
    "town",
    "report",
    "health",
)


@pytest.mark.parametrize("name", LISTS)
@every_language
def test_rooms_and_schools_are_listed_as_people_order_names(school: School, text: str, language: str) -> None:
    config = school.house.config
    assert list(config.sites) == ["rim-khlong", "ban-suan"]  # the file has them the other way round
    for site in config.sites.values():
        rooms = [room.name.in_(language) for room in site.rooms.values() if not room.outdoor]
        for run in names_in(text, rooms):
            assert run == sorted(run, key=name_order), run


# -- ages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [f"{kind}-{room}" for kind in ("door", "room") for room in (SILENT, LATE, NEVER)])
@every_language
def test_a_room_that_is_silent_or_was_never_heard_of_is_not_silent_for_0_minutes(text: str, language: str) -> None:
    wrong = {"th": r"(?<![\d.])0 นาทีแล้ว|\{minutes\}", "en": r"(?<![\d.])for 0 minutes|\{minutes\}"}[language]
    assert re.findall(wrong, text) == []
