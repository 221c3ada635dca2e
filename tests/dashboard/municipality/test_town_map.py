"""A town from GeoJSON: drawn to shape, with every school inside, and never from a file that is none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.municipality.town_map import (
    EDGE,
    HEIGHT,
    SHIPPED,
    WIDTH,
    MapFault,
    draw,
    parse,
    shapes_of,
)

SCHOOLS = {"ban-suan": (100.50, 13.95), "rim-khlong": (100.53, 13.92)}
places = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.tuples(st.floats(-179, 179), st.floats(-85, 85)),
    min_size=1,
    max_size=60,
)


@given(places)
def test_every_school_lies_inside_the_drawing(schools: dict[str, tuple[float, float]]) -> None:
    found = draw(shapes_of(None), schools).places
    assert found.keys() == schools.keys()
    for x, y in found.values():
        assert EDGE - 0.1 <= x <= WIDTH - EDGE + 0.1 and EDGE - 0.1 <= y <= HEIGHT - EDGE + 0.1


def test_north_is_up_east_is_right_and_a_kilometre_is_as_long_both_ways() -> None:
    step = 0.01
    around = {
        "middle": (100.5, 14.0),
        "north": (100.5, 14.0 + step),
        "east": (100.5 + step / math.cos(math.radians(14.0)), 14.0),
    }
    at = draw((), around).places
    up, right = at["middle"][1] - at["north"][1], at["east"][0] - at["middle"][0]
    assert up > 0 and right == pytest.approx(up, rel=0.01)
    assert at["north"][0] == at["middle"][0] and at["east"][1] == at["middle"][1]


def test_the_demo_has_an_outline_water_and_roads_around_its_schools() -> None:
    drawing = draw(shapes_of(None), SCHOOLS)
    assert {kind for kind, _ in drawing.paths} == {"area", "water", "line"}
    assert all(path.startswith("M") and ("Z" in path) == (kind == "area") for kind, path in drawing.paths)
    assert SHIPPED.stat().st_size < 10_000


def test_a_town_elsewhere_does_not_squeeze_the_schools() -> None:
    far = draw(shapes_of(None), {"a": (5.0, 60.0), "b": (5.1, 60.05)})
    assert far.paths == () and far.places["a"] != far.places["b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        '{"type": "Polygon"}',
        '{"type": "Polygon", "coordinates": [[[200, 10], [1, 1]]]}',
        '{"type": "LineString", "coordinates": [["a", "b"]]}',
        '{"type": "FeatureCollection", "features": [null]}',
        json.dumps({"type": "LineString", "coordinates": [[1, 1]] * 20_001}),
    ],
)
def test_what_is_no_geojson_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(MapFault):
        parse(text)


def test_a_file_that_cannot_be_drawn_leaves_the_schools_without_an_outline(tmp_path: Path) -> None:
    assert shapes_of(tmp_path / "away.geojson") == ()
    (tmp_path / "broken.geojson").write_text("{")
    assert shapes_of(tmp_path / "broken.geojson") == ()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    own = tmp_path / "own.geojson"
    own.write_text('{"type": "LineString", "coordinates": [[100.5, 13.9], [100.6, 13.9]]}')
    assert [shape.kind for shape in shapes_of(own)] == ["line"]
    own.write_text('{"type": "Polygon", "coordinates": [[[100.5, 13.9], [100.6, 13.9], [100.6, 14.0], [100.5, 13.9]]]}')
    assert [shape.kind for shape in shapes_of(own)] == ["area"]
