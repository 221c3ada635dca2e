"""A week of three rooms for the explorer, and what its page says."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from classair.model import Flag, Reading
from classair.units import DAY_MS, MINUTE_MS
from ingest.books.books import Books

MONDAY = 1_794_762_000_000  # 2026-11-16T00:00+07:00
STEP = 5 * MINUTE_MS
DAYS = 7
ROOMS = {"p1-2": 0.5, "p4-1": 0.8, "yard": 1.0}
WEEK = "first=2026-11-16&last=2026-11-22"


def air(at_ms: int) -> float:
    """Dust outdoors: a morning peak on top of slow days, µg/m³."""
    hour = (at_ms - MONDAY) / 3_600_000
    return 22 + 14 * math.exp(-((hour % 24 - 8) ** 2) / 8) + 8 * math.sin(hour / 40)


def fill(path: Path, schools: Any, days: int = DAYS) -> None:
    """A week of two rooms and the yard; p1-2 silent on Wednesday afternoon, warming up afterwards; one new filter."""
    books = Books(path, journal=False)
    version = books.versions.add(Path("sensors.yaml").read_text("utf-8"), MONDAY - DAY_MS)
    with books.store.transaction():
        moves, _ = books.deployments.plan(schools, MONDAY, books.newest_reading)
        books.deployments.apply(moves, version.version)
    gap = (MONDAY + 2 * DAY_MS + 13 * 12 * STEP, MONDAY + 2 * DAY_MS + 17 * 12 * STEP)
    books.store.write(
        Reading(
            f"ban-suan.{room}-pm",
            "ban-suan.suan-pi",
            "ab12cd34ef",
            number * 100_000 + i + 1,
            at,
            {"pm25": round(share * air(at), 1), "rh_pct": 60.0, "temp_c": 29.0},
            300.0,
            flags=Flag.WARMUP if room == "p1-2" and gap[1] <= at < gap[1] + 8 * STEP else Flag.NONE,
            room=f"ban-suan.{room}",
            simulated=True,
        )
        for number, (room, share) in enumerate(ROOMS.items())
        for i in range(days * 288)
        if not (room == "p1-2" and gap[0] <= (at := MONDAY + i * STEP) < gap[1]) and (at := MONDAY + i * STEP)
    )
    books.close()


def asked(house: Any, query: str) -> Any:
    """What the page's own callback answers for an address: the whole tree as the browser gets it."""
    body = {
        "output": "..page.children...title.data..",
        "changedPropIds": ["at.pathname"],
        "outputs": [{"id": "page", "property": "children"}, {"id": "title", "property": "data"}],
        "inputs": [
            {"id": "at", "property": "pathname", "value": "/explorer"},
            {"id": "at", "property": "search", "value": f"?{query}"},
        ],
        "state": [{"id": "at", "property": "hash", "value": ""}],
    }
    answer = house.ask(
        "/_dash-update-component", "POST", body=json.dumps(body).encode(), Content_Type="application/json"
    )
    assert answer.status == 200, answer.text
    return answer.json["response"]["page"]["children"]


def updated(
    house: Any, outputs: list[tuple[str, str]], trigger: tuple[str, str, Any], state: list[tuple[str, str, Any]] = ()
) -> Any:  # type: ignore[assignment]
    """What a callback of the page answers."""
    name = f"..{'...'.join(f'{i}.{p}' for i, p in outputs)}.." if len(outputs) > 1 else "{}.{}".format(*outputs[0])
    listed = [{"id": i, "property": p} for i, p in outputs]
    body = {
        "output": name,
        "outputs": listed if len(outputs) > 1 else listed[0],
        "changedPropIds": [f"{trigger[0]}.{trigger[1]}"],
        "inputs": [{"id": trigger[0], "property": trigger[1], "value": trigger[2]}],
        "state": [{"id": i, "property": p, "value": v} for i, p, v in state],
    }
    answer = house.ask(
        "/_dash-update-component", "POST", body=json.dumps(body).encode(), Content_Type="application/json"
    )
    assert answer.status == 200, answer.text
    return answer.json["response"]


def find(tree: Any, identity: str) -> Any:
    """The component of that id, anywhere in a tree."""
    if isinstance(tree, dict):
        if tree.get("props", {}).get("id") == identity:
            return tree["props"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            if (found := find(branch, identity)) is not None:
                return found
    return None


def words(tree: Any) -> str:
    """All that is written in a tree."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree)
    return words(tree.get("props", {}).get("children")) if isinstance(tree, dict) else ""


def by_hours(house: Any, tree: Any) -> Any:
    """The part of the page that comes after the lines."""
    return updated(
        house,
        [("explorer-known", "children"), ("explorer-beside", "children")],
        ("explorer-view", "data", find(tree, "explorer-view")["data"]),
    )


def table_of(house: Any, query: str) -> list[dict[str, Any]]:
    return list(house.ask(f"/api/v1/table?{query}&limit=5000").json["rows"])


def taken(house: Any, tree: Any) -> list[dict[str, str]]:
    """The rows of the page's CSV."""
    told = updated(
        house,
        [("explorer-download", "data"), ("explorer-form-says", "children")],
        ("explorer-csv", "n_clicks", 1),
        [("explorer-view", "data", find(tree, "explorer-view")["data"])],
    )
    text = told["explorer-download"]["data"]["content"]
    assert text.startswith("\ufeff"), "spreadsheets read UTF-8 by it"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
