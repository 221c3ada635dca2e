"""The explorer on a real server: every number of a view against the API's, links, refusals, comparison, events."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from classair.i18n import t
from classair.model import Reading
from classair.stores.events import SchoolEvent
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS
from research.selection import Selection
from tests.dashboard.pages.explored import DAYS, MONDAY, STEP, WEEK, asked, by_hours, fill, find, table_of, taken, words


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory, schools: Any) -> Path:
    path = tmp_path_factory.mktemp("explorer") / "readings.db"
    fill(path, schools)
    return path


@pytest.fixture
def school(make_house: Any, readings: Path) -> Iterator[Any]:
    store = SqliteStore(readings, readonly=True)
    house = make_house(store=store, readings=readings)
    house.offset_ms = MONDAY + DAYS * DAY_MS - time.time_ns() // 1_000_000  # the week has just ended
    yield house
    store.close()


@pytest.mark.parametrize("more", ["", "&method=epa2021_atm", "&lesson=1"])
def test_daily_means_of_page_csv_and_api_are_the_same_numbers(school: Any, more: str) -> None:
    query = f"rooms=ban-suan.p1-2,ban-suan.p4-1&{WEEK}&step=1d{more}"
    tree = asked(school, query)
    named = "pm25_corrected_ugm3" if "method" in more else "pm25_raw_ugm3"
    api = {(row["room"], row["start"]): row["value"] for row in table_of(school, query)}
    from_csv = {(row["room_id"], row["time"]): float(row[named]) if row[named] else None for row in taken(school, tree)}
    assert from_csv == api
    assert sum(value is not None for value in api.values()) >= 9
    drawn = [
        y
        for trace in find(tree, "explorer-series-pm25")["figure"]["data"]
        if trace.get("line", {}).get("dash") not in (None, "dot")
        for y in trace["y"]
        if y is not None
    ]
    assert sorted(drawn) == sorted(round(value, 2) for value in api.values() if value is not None)


def test_an_address_says_everything_and_what_it_leaves_out_is_worked_out(school: Any) -> None:
    tree = asked(school, f"rooms=ban-suan.p1-2&{WEEK}&lang=en")
    link = find(tree, "explorer-link")["href"]
    for said in (
        "rooms=ban-suan.p1-2",
        "first=2026-11-16",
        "last=2026-11-22",
        "step=15m",
        "method=none",
        "completeness=0.75",
        "lang=en",
    ):
        assert said in link
    again = asked(school, link.partition("?")[2])
    assert find(again, "explorer-series-pm25") == find(tree, "explorer-series-pm25")
    assert json.loads(find(again, "explorer-request")["children"]) == json.loads(
        find(tree, "explorer-request")["children"]
    )


def test_the_data_set_s_wish_is_the_view_s_selection(school: Any) -> None:
    tree = asked(school, f"rooms=ban-suan.p1-2&{WEEK}&step=1h&lesson=1&lang=th")
    wish = dict(parse_qsl(find(tree, "explorer-package")["href"].partition("?")[2]))
    assert wish.pop("lang") == "th"
    assert Selection.parse(wish).id == json.loads(find(tree, "explorer-request")["children"])["id"]


def test_the_request_is_one_the_api_answers_with_the_same_name(school: Any) -> None:
    tree = asked(school, f"rooms=ban-suan.p1-2&{WEEK}&step=1h&lesson=1")
    request = json.loads(find(tree, "explorer-request")["children"])
    answer = school.ask(request["get"]).json
    assert (answer["id"], answer["data"]) == (request["id"], request["data"])
    assert answer["selection"] == request["selection"]


@pytest.mark.parametrize("language", ["en", "th"])
@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("rooms=ban-suan.zz", "unknown_room"),
        ("first=yesterday", "first"),
        ("last=x", "last"),
        ("step=reading", "step_of_readings"),
        ("step=7m", "step"),
        ("quantities=o3", "quantities"),
        ("quantities=pm1&step=15m", "slow_step"),
        ("method=magic", "method"),
        ("first=2026-11-22&last=2026-11-16", "last_before_first"),
        ("completeness=9", "completeness"),
        ("first2=soon", "first2"),
        ("rooms2=ban-suan.zz", "unknown_room"),
        ("rooms=<script>", "rooms"),
        ("first=2015-01-01&last=2026-11-22&step=1m&method=epa2021_atm", "step_too_short"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_readers_words_and_what_was_typed_stays(
    school: Any, query: str, key: str, language: str
) -> None:
    tree = asked(school, f"{query}&lang={language}")
    told = json.dumps(tree, ensure_ascii=False)
    assert t(language, "explorer.refused") in told
    assert told.count(json.dumps(t(language, f"wish.{key}"), ensure_ascii=False).strip('"')) >= 1
    assert not re.search(r"Input should|unknown room|Value error|expected a|must not", told)
    field, _, typed = query.partition("&")[0].partition("=")
    kept = find(tree, f"explorer-{field}")
    assert typed in json.dumps([kept.get("value"), kept.get("data")], ensure_ascii=False), "the form keeps it"


def test_nothing_in_the_range_says_so_in_both_languages(school: Any) -> None:
    for language, said in (
        ("en", "No data in this range. Try a wider one."),
        ("th", "ไม่มีข้อมูลในช่วงที่เลือก ลองขยายช่วงเวลา"),
    ):
        told = json.dumps(
            asked(school, f"rooms=ban-suan.p1-2&first=2020-01-01&last=2020-01-02&lang={language}"), ensure_ascii=False
        )
        assert all(part.strip() in told for part in said.partition("ลอง" if language == "th" else "Try")[::2])


def test_gaps_are_not_bridged_and_bad_values_are_counted(school: Any) -> None:
    tree = asked(school, f"rooms=ban-suan.p1-2&{WEEK}&lang=en")
    line = next(
        one
        for one in find(tree, "explorer-series-pm25")["figure"]["data"]
        if one.get("line", {}).get("dash") == "solid"
    )
    assert line["y"].count(None) == 1 and line["connectgaps"] is False
    told = by_hours(school, tree)
    strip = words(told["explorer-known"]["children"])
    assert "8 of 1,968 values excluded (warm-up 8)" in strip
    assert "no data:  4 room-hours" in strip
    assert "sensor warming up:  1 room-hours" in strip
    shares = find(told["explorer-beside"]["children"], "explorer-shares")["figure"]["data"]
    assert sum(bar["x"][0] for bar in shares) == 100
    assert shares[-1]["customdata"] == [4 * 4 + 3], "time without a value is a share of its own"


def test_every_figure_says_how_it_was_made(school: Any) -> None:
    tree = asked(
        school, f"rooms=ban-suan.p1-2&{WEEK}&method=epa2021_atm&lesson=1&lang=en&rooms2=ban-suan.p4-1&quantities=pm25"
    )
    told = by_hours(school, tree)
    figures = words([tree, told["explorer-known"]["children"], told["explorer-beside"]["children"]])
    made = figures.split("PM2.5 (µg/m³) · ")[1:]
    assert len(made) >= 5
    for line in made:
        for said in (
            "corrected with epa2021_atm@1",
            "averages of ",
            "at least 75% complete",
            "lesson time only",
            "Thailand time (UTC+7)",
            "Simulated",
        ):
            assert said in line, said


def test_two_groups_at_the_same_time_are_paired_and_two_periods_are_not(school: Any) -> None:
    groups = by_hours(school, asked(school, f"rooms=ban-suan.p1-2&{WEEK}&rooms2=ban-suan.p4-1&lang=en"))
    told = words(groups["explorer-beside"]["children"])
    assert "paired by day and hour" in told and "Second minus first: +" in told
    periods = by_hours(
        school,
        asked(
            school, "rooms=ban-suan.p1-2&first=2026-11-20&last=2026-11-22&lang=en&first2=2026-11-16&last2=2026-11-18"
        ),
    )
    assert "not paired" in words(periods["explorer-beside"]["children"])
    short = by_hours(
        school, asked(school, "rooms=ban-suan.p1-2&first=2026-11-20&last=2026-11-21&lang=en&first2=2026-11-16")
    )
    assert "at least 3 days" in words(short["explorer-beside"]["children"])


def test_indoors_against_outdoors_gives_the_ratio_the_rooms_were_made_with(school: Any) -> None:
    told = by_hours(school, asked(school, f"rooms=ban-suan.p1-2,ban-suan.p4-1&{WEEK}&lang=en"))
    said = words(told["explorer-beside"]["children"])
    assert "P.1/2: median indoor/outdoor ratio 0.50" in said and "P.4/1: median indoor/outdoor ratio 0.80" in said
    alone = by_hours(school, asked(school, f"rooms=ban-suan.yard&{WEEK}&lang=en"))
    assert find(alone["explorer-beside"]["children"], "explorer-scatter") is None


def test_more_rooms_than_lines_have_a_chart_each_on_one_scale(make_house: Any, tmp_path: Path, schools: Any) -> None:
    config = schools.model_copy(deep=True)
    first = config.sites["ban-suan"].rooms["p1-2"]
    rooms = [f"r{number}" for number in range(9)]
    config.sites["ban-suan"].rooms.update(dict.fromkeys(rooms, first))
    store = SqliteStore(tmp_path / "readings.db")
    store.write(
        Reading(
            f"ban-suan.{room}-pm",
            "ban-suan.suan-pi",
            "ab12cd34ef",
            number * 1000 + i + 1,
            MONDAY + i * STEP,
            {"pm25": 10.0 + number},
            300.0,
            room=f"ban-suan.{room}",
            simulated=True,
        )
        for number, room in enumerate(rooms)
        for i in range(288)
    )
    house = make_house(store=store, config=config, readings=tmp_path / "readings.db")
    tree = asked(house, f"rooms={','.join(f'ban-suan.{room}' for room in rooms)}&first=2026-11-16&last=2026-11-16")
    drawn = [find(tree, f"explorer-series-pm25-ban-suan_{room}")["figure"] for room in rooms]
    assert len({one["layout"]["yaxis"]["range"][1] for one in drawn}) == 1
    assert all(one["layout"]["yaxis"]["range"][0] == 0 for one in drawn)
    store.close()


def test_a_finer_step_than_can_be_drawn_is_drawn_coarser_and_says_so(school: Any) -> None:
    tree = asked(school, f"rooms=ban-suan.p1-2&{WEEK}&step=1m&lang=en")
    assert t("en", "explorer.drawn_coarser") in words(tree)
    assert all(len(trace.get("x", [])) <= 2000 for trace in find(tree, "explorer-series-pm25")["figure"]["data"])
    assert len(taken(school, tree)) == len(table_of(school, f"rooms=ban-suan.p1-2&{WEEK}&step=1m"))


def test_without_a_store_the_page_says_so(make_house: Any) -> None:
    tree = asked(make_house(store=None), "lang=en")
    assert t("en", "pages.store_away") in json.dumps(tree)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        3,
        "x",
        {},
        {"query": 3, "language": "en"},
        {"query": "rooms=../../x", "language": "en"},
        {"query": "", "language": "<b>"},
    ],
)
def test_whatever_a_browser_says_it_looks_at_is_read_as_a_strangers(school: Any, kept: Any) -> None:
    body = {
        "output": "explorer-table.children",
        "outputs": {"id": "explorer-table", "property": "children"},
        "inputs": [{"id": "explorer-more", "property": "n_clicks", "value": 1}],
        "changedPropIds": ["explorer-more.n_clicks"],
        "state": [{"id": "explorer-view", "property": "data", "value": kept}],
    }
    answer = school.ask(
        "/_dash-update-component", "POST", body=json.dumps(body).encode(), Content_Type="application/json"
    )
    assert answer.status in (200, 204)


def test_what_schools_noted_is_marked_in_the_lines_and_listed(make_house: Any, tmp_path: Path, schools: Any) -> None:
    path = tmp_path / "readings.db"
    fill(path, schools, days=1)
    import sqlite3

    from classair.stores import events

    with sqlite3.connect(path) as connection:
        for number, (site, room) in enumerate(
            (("ban-suan", ""), ("ban-suan", "ban-suan.p1-2"), ("ban-suan", "ban-suan.p4-1"), ("rim-khlong", ""))
        ):
            events.put(
                connection,
                SchoolEvent(
                    f"e{number}",
                    site,
                    room,
                    "smoke_day",
                    MONDAY + 9 * 12 * STEP,
                    MONDAY + 12 * 12 * STEP,
                    "<b>burning</b>",
                    "account:a",
                    MONDAY,
                ),
            )
    connection.close()
    store = SqliteStore(path, readonly=True)
    tree = asked(make_house(store=store, readings=path), "rooms=ban-suan.p1-2&first=2026-11-16&last=2026-11-16&lang=en")
    layout = find(tree, "explorer-series-pm25")["figure"]["layout"]
    assert [note["text"] for note in layout["annotations"] if note.get("hovertext") == "Smoke day"] == ["1", "2"]
    assert sum(shape["type"] == "rect" for shape in layout["shapes"]) == 2
    assert words(tree).count("<b>burning</b>") == 2, "the words are shown, never followed"
    store.close()
