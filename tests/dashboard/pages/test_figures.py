"""Figures show what is known, where it is known, and hatch the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard import figures
from dashboard.figures import Limit, TimeAxis, Words
from dashboard.pages.room import lines
from dashboard.queries.rooms import Band, RoomMeans
from research.means import MeanRow

MIDNIGHT = 1_795_366_800_000  # 2026-11-23T00:00+07:00
STEP = 5 * MINUTE_MS
WORDS = Words("th", "ไม่มีข้อมูล", "ในห้อง", "ข้างนอก", "เครื่องฟอก", "เปิด", "ปิด", "ไม่ทราบ")
DAY = TimeAxis(MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT + DAY_MS)
FAN = "ban-suan.p1-2-fan"


def series(
    filled: Iterable[int], step: int = STEP, value: float = 20.0, span: TimeAxis = DAY, incomplete: Iterable[int] = ()
) -> RoomMeans:
    """Buckets at these places after midnight; negative ones hold only bad values."""
    rows = tuple(
        MeanRow(
            "ban-suan.p1-2",
            "ban-suan.p1-2-pm",
            "pm25",
            MIDNIGHT + abs(i) * step,
            **({} if i < 0 else {"n": 5, "mean": value, "corrected": value, "low": value - 2, "high": value + 3}),  # type: ignore[arg-type]
            complete=i >= 0 and i not in incomplete,
        )
        for i in filled
    )
    return RoomMeans("ban-suan.p1-2", "pm25", step, span.start_ms, span.end_ms, rows)


def drawn(
    indoor: RoomMeans,
    outdoor: RoomMeans | None = None,
    bands: list[Band] | None = None,
    span: TimeAxis = DAY,
    limits: list[Limit] | None = None,
) -> dict[str, Any]:
    figure = lines.pm25_figure(indoor, outdoor, bands or [], limits or [], span, WORDS, "k")
    go.Figure(figure)  # Plotly itself refuses what is not a figure
    json.dumps(figure, allow_nan=False)
    return figure


def named(figure: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in figure["data"] if t.get("name") == name)
    return found


def hatched(figure: dict[str, Any]) -> list[tuple[float, float]]:
    """The stretches that are marked as gaps."""
    return [
        (xs[i], xs[i + 1])
        for trace in figure["data"]
        if trace.get("yaxis") == "y9"
        for xs in [trace["x"]]
        for i in range(0, len(xs), 6)
    ]


def test_a_gap_breaks_the_line_and_is_hatched() -> None:
    figure = drawn(series([*range(100), *range(150, 288)]))
    line = named(figure, "ในห้อง")
    assert line["y"][100] is None
    assert line["connectgaps"] is False
    start, end = hatched(figure)[0]
    assert (start, end) == (figures.local_ms(MIDNIGHT + 100 * STEP), figures.local_ms(MIDNIGHT + 150 * STEP))
    assert any(note["text"] == "ไม่มีข้อมูล" for note in figure["layout"]["annotations"])


def test_a_bucket_with_only_bad_values_is_a_gap_and_not_a_zero() -> None:
    figure = drawn(series([0, 1, -2, 3, 4]), span=TimeAxis(MIDNIGHT, MIDNIGHT + 5 * STEP, MIDNIGHT + 5 * STEP))
    assert named(figure, "ในห้อง")["y"] == [20.0, 20.0, None, 20.0, 20.0]
    assert len(hatched(figure)) == 1


def test_no_data_at_all_is_one_gap_with_its_words() -> None:
    figure = drawn(series([]))
    assert hatched(figure) == [(figures.local_ms(DAY.start_ms), figures.local_ms(DAY.end_ms))]
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["ไม่มีข้อมูล"]


def test_what_has_not_happened_yet_is_not_missing() -> None:
    noon = TimeAxis(MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT + 12 * HOUR_MS)
    assert hatched(drawn(series(range(144)), span=noon)) == []
    assert hatched(drawn(series([]), span=TimeAxis(MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT - 1))) == []


def test_silence_up_to_now_is_a_gap_before_the_present() -> None:
    noon = TimeAxis(MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT + 12 * HOUR_MS)
    assert hatched(drawn(series(range(120)), span=noon)) == [
        (figures.local_ms(MIDNIGHT + 10 * HOUR_MS), figures.local_ms(noon.now_ms))
    ]


def test_times_are_drawn_in_bangkok() -> None:
    line = named(drawn(series([114])), "ในห้อง")  # 09:30
    assert datetime.fromtimestamp(line["x"][0] / 1000, UTC).strftime("%Y-%m-%d %H:%M") == "2026-11-23 09:30"


def test_a_single_value_between_gaps_is_still_seen() -> None:
    figure = drawn(series([10]))
    dots = [t for t in figure["data"] if t["mode"] == "markers"]
    assert [(len(t["x"]), t["error_y"]["array"], t["error_y"]["arrayminus"]) for t in dots] == [(1, [3.0], [2.0])]


def test_the_envelope_runs_from_lowest_to_highest_within_each_run() -> None:
    figure = drawn(series([0, 1, 10, 11]))
    area = next(t for t in figure["data"] if t.get("fill") == "toself" and "yaxis" not in t)
    assert area["y"] == [23.0, 23.0, 18.0, 18.0, None, 23.0, 23.0, 18.0, 18.0]


def test_the_purifier_band_covers_exactly_when_it_ran() -> None:
    one, four, five = (MIDNIGHT + hours * HOUR_MS for hours in (1, 4, 5))
    bands = [Band(FAN, MIDNIGHT, one, False), Band(FAN, one, four, True), Band(FAN, four, five, None)]
    figure = drawn(series(range(288)), bands=bands)
    on = named(figure, "เปิด")
    assert (min(on["x"]), max(on["x"])) == (figures.local_ms(one), figures.local_ms(four))
    assert max(on["y"]) > max(named(figure, "ปิด")["y"]), "on and off differ in shape, not only in colour"
    assert "fillpattern" in named(figure, "ไม่ทราบ")
    assert any(note["text"] == "เปิด" for note in figure["layout"]["annotations"])


def test_the_outdoors_is_dotted_and_each_line_is_named_beside_its_end() -> None:
    figure = drawn(series(range(288)), series(range(288), value=21.0))
    assert named(figure, "ข้างนอก")["line"]["dash"] == "dot"
    notes = {n["text"]: n["y"] for n in figure["layout"]["annotations"] if n["text"] in ("ในห้อง", "ข้างนอก")}
    assert notes["ข้างนอก"] - notes["ในห้อง"] >= 0.07 * figure["layout"]["yaxis"]["range"][1], "names do not touch"


def test_the_axis_begins_at_zero_and_holds_every_value() -> None:
    low, high = drawn(series(range(288), value=180.0))["layout"]["yaxis"]["range"]
    assert low == 0
    assert high >= 183


def test_limits_stand_outside_the_plot_and_those_above_the_axis_are_left_out() -> None:
    """A label with a ground of its own inside the plot looked like a gap in the data."""
    figure = drawn(series(range(288)), limits=[Limit(25.0, "ปานกลาง"), Limit(75.0, "สูง")])
    assert [shape["y0"] for shape in figure["layout"]["shapes"]] == [25.0]
    label = next(note for note in figure["layout"]["annotations"] if note["text"] == "25")
    assert (label["xref"], label["xanchor"]) == ("paper", "left") and label["x"] >= 1
    assert not any("bgcolor" in note for note in figure["layout"]["annotations"])
    assert figure["layout"]["meta"]["limits"] == [25.0], "the page writes the whole names of these"


def test_limits_too_close_to_be_read_are_drawn_but_not_all_numbered() -> None:
    at = (15.0, 25.0, 37.5, 75.0)
    figure = drawn(series(range(288), value=240.0), limits=[Limit(one, f"> {one}") for one in at])
    assert len(figure["layout"]["shapes"]) == 4
    numbered = sorted(float(n["text"]) for n in figure["layout"]["annotations"] if n["text"].replace(".", "").isdigit())
    assert numbered == [15.0, 37.5, 75.0]


def test_the_names_beside_a_chart_have_room_for_all_of_their_letters() -> None:
    words = Words("th", "ไม่มีข้อมูล", "ห้องอนุบาลศึกษาปีที่สอง", "ข้างนอกอาคารเรียนใหม่")
    figure = lines.pm25_figure(series(range(288)), series(range(288), value=40.0), [], [], DAY, words, "k")
    assert figure["layout"]["margin"]["r"] >= max(figures.text_px(name, 13) for name in (words.indoor, words.outdoor))


def test_no_name_beside_a_chart_touches_another() -> None:
    limits = [Limit(at, "") for at in (15.0, 25.0, 37.5)]
    figure = drawn(series(range(288), value=24.0), series(range(288), value=26.0), limits=limits)
    top = figure["layout"]["yaxis"]["range"][1]
    at = sorted(note["y"] for note in figure["layout"]["annotations"] if note.get("x") == 1.004 and "yref" in note)
    assert all(high - low >= 0.05 * top for low, high in pairwise(at))


def test_zoom_is_kept_over_updates_of_the_same_view() -> None:
    assert drawn(series(range(10)))["layout"]["uirevision"] == drawn(series(range(20)))["layout"]["uirevision"] == "k"


def test_temperature_and_humidity_have_axes_of_their_own() -> None:
    figure = lines.climate_figure(series(range(288)), series(range(200)), DAY, WORDS, "อุณหภูมิ", "ความชื้น", "k")
    go.Figure(figure)
    assert named(figure, "ความชื้น")["yaxis"] == "y2"
    assert figure["layout"]["yaxis2"]["range"] == [0, 100]


def test_what_a_room_does_not_have_is_not_drawn_as_missing() -> None:
    for there, missing in (((series(range(288)), None), "ความชื้น"), ((None, series(range(288))), "อุณหภูมิ")):
        figure = lines.climate_figure(*there, DAY, WORDS, "อุณหภูมิ", "ความชื้น", "k")
        go.Figure(figure)
        assert missing not in [trace.get("name") for trace in figure["data"]]
        assert missing not in [note["text"] for note in figure["layout"]["annotations"]]
        assert not hatched(figure)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 719), max_size=720), st.lists(st.sampled_from([True, False, None]), max_size=800))
def test_no_trace_has_more_than_two_thousand_points(filled: set[int], states: list[bool | None]) -> None:
    step = 2 * MINUTE_MS
    bands = [Band(FAN, MIDNIGHT + i * MINUTE_MS, MIDNIGHT + (i + 1) * MINUTE_MS, on) for i, on in enumerate(states)]
    figure = lines.pm25_figure(series(sorted(filled), step), series(range(720), step), bands, [], DAY, WORDS, "k")
    assert max(len(trace["x"]) for trace in figure["data"]) <= figures.MAX_POINTS


def test_an_incomplete_mean_is_an_open_dot_and_in_no_line() -> None:
    figure = drawn(series(range(10), incomplete=[4]))
    dots = next(trace for trace in figure["data"] if trace.get("mode") == "markers")
    assert (dots["x"], dots["marker"]["symbol"]) == ([figures.local_ms(MIDNIGHT + 4.5 * STEP)], ["circle-open"])
    assert None in named(figure, WORDS.indoor)["y"]
