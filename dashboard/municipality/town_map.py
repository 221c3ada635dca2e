"""A town from GeoJSON, drawn without tiles: outlines and schools projected here, so that no page asks another host.

Equirectangular about the middle of what is drawn: over a town that is true to shape within a fraction of a per cent.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

SHIPPED: Final = Path(__file__).with_name("demo-town.geojson")
WIDTH: Final = 640.0
HEIGHT: Final = 480.0
EDGE: Final = 28.0
MOST_BYTES: Final = 4_000_000
MOST_POINTS: Final = 20_000
SMALLEST_DEGREES: Final = 0.005
"""About 500 m: a town of one school is not drawn larger than life."""

Point = tuple[float, float]
"""Longitude and latitude in degrees, or x and y of the drawing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`kind`: area, line or water. Rings, or lines where it is not `closed`, in degrees; later rings are holes."""

    kind: str
    rings: tuple[tuple[Point, ...], ...]
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Drawing:
    """`paths`: (kind, the `d` of an SVG path). `places`: x and y of each school that has a position."""

    paths: tuple[tuple[str, str], ...]
    places: Mapping[str, Point]


class MapFault(ValueError):
    """The file is no GeoJSON that can be drawn; the message says why."""


def shapes_of(path: Path | None) -> tuple[Shape, ...]:
    """Of the organisation's own file, else of the demo's town. A file that cannot be drawn is logged and left out."""
    path = path or SHIPPED
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, MapFault) as error:
        log.warning("map_not_drawn file=%s error=%s", path.name, error)
        return ()


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, size: int) -> tuple[Shape, ...]:
    if size > MOST_BYTES:
        raise MapFault(f"larger than {MOST_BYTES // 1_000_000} MB; simplify it first")
    return parse(path.read_text("utf-8"))


def parse(text: str) -> tuple[Shape, ...]:
    """The areas and lines of a FeatureCollection, a Feature or a geometry in WGS 84. Raises MapFault."""
    try:
        data = json.loads(text)
        shapes = tuple(_shapes(data, ""))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise MapFault(f"not GeoJSON: {error}") from error
    if sum(len(ring) for shape in shapes for ring in shape.rings) > MOST_POINTS:
        raise MapFault(f"more than {MOST_POINTS} points; simplify it first")
    return shapes


def _shapes(data: Any, kind: str) -> Iterable[Shape]:
    match data.get("type"):
        case "FeatureCollection":
            for feature in data["features"]:
                yield from _shapes(feature, kind)
        case "Feature":
            if data.get("geometry"):
                told = (data.get("properties") or {}).get("kind", "")
                yield from _shapes(data["geometry"], "water" if told == "water" else "")
        case "GeometryCollection":
            for geometry in data["geometries"]:
                yield from _shapes(geometry, kind)
        case "Polygon":
            yield Shape(kind or "area", tuple(_ring(ring) for ring in data["coordinates"]))
        case "MultiPolygon":
            for polygon in data["coordinates"]:
                yield Shape(kind or "area", tuple(_ring(ring) for ring in polygon))
        case "LineString":
            yield Shape(kind or "line", (_ring(data["coordinates"]),), closed=False)
        case "MultiLineString":
            yield Shape(kind or "line", tuple(_ring(line) for line in data["coordinates"]), closed=False)
        case _:
            return  # points have names that nobody has translated


def _ring(points: Any) -> tuple[Point, ...]:
    found = tuple((float(point[0]), float(point[1])) for point in points)
    if not all(math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90 for x, y in found):
        raise ValueError("coordinates must be longitude and latitude in degrees")
    return found


def draw(shapes: Iterable[Shape], schools: Mapping[str, Point]) -> Drawing:
    """`schools`: longitude and latitude by site. All schools lie inside the drawing; outlines far from them may not."""
    shown = _near(tuple(shapes), schools)
    points = [*schools.values(), *(point for shape in shown for ring in shape.rings for point in ring)]
    if not points:
        return Drawing((), {})
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    narrow = max(math.cos(math.radians(middle_y)), 0.01)
    wide, high = max((east - west) * narrow, SMALLEST_DEGREES), max(north - south, SMALLEST_DEGREES)
    scale = min((WIDTH - 2 * EDGE) / wide, (HEIGHT - 2 * EDGE) / high)

    def place(point: Point) -> Point:
        x = WIDTH / 2 + (point[0] - middle_x) * narrow * scale
        y = HEIGHT / 2 - (point[1] - middle_y) * scale
        return round(x, 1), round(y, 1)

    def path(shape: Shape) -> str:
        ends = "Z" if shape.closed else ""
        rings = (" ".join(f"{x:g},{y:g}" for x, y in map(place, ring)) for ring in shape.rings if ring)
        return " ".join(f"M{ring}{ends}" for ring in rings)

    return Drawing(
        tuple((shape.kind, path(shape)) for shape in shown), {site: place(at) for site, at in schools.items()}
    )


def _near(shapes: tuple[Shape, ...], schools: Mapping[str, Point]) -> tuple[Shape, ...]:
    """The town's outlines are those that some school lies in or near; a map of elsewhere would squeeze the schools."""
    if not schools:
        return shapes
    xs, ys = [x for x, _ in schools.values()], [y for _, y in schools.values()]
    margin = max(max(xs) - min(xs), max(ys) - min(ys), 0.05) * 1.5
    west, east, south, north = min(xs) - margin, max(xs) + margin, min(ys) - margin, max(ys) + margin
    return tuple(
        shape
        for shape in shapes
        if all(west <= x <= east and south <= y <= north for ring in shape.rings for x, y in ring)
    )
