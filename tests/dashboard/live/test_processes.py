"""What the supervisor wrote down about its processes, as the health page shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from classair.ops.child import Child
from classair.ops.incidents import Incidents
from dashboard.live import processes
from dashboard.pages import health
from dashboard.pages.health.sensor_rows import asked

NOW = 1_790_000_000_000


def write(path: Path, *services: dict[str, Any], at: int = NOW, incidents: Any = ()) -> None:
    path.write_text(json.dumps({"at": at, "services": services, "incidents": incidents}))


def service(name: str, alive: bool = True, restarts: int = 0, last_exit: int | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "alive": alive,
        "pid": 7 if alive else 0,
        "restarts": restarts,
        "last_exit": last_exit,
        "log": f"/srv/air/logs/{name}.log",
    }


def test_the_file_is_understood_as_it_is_written_and_old_or_damaged_ones_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    assert processes.read(path, NOW) == {}
    write(path, service("ingest", restarts=2, last_exit=-9))
    found = processes.read(path, NOW + 10_000)["ingest"]
    assert (found.alive, found.restarts, found.last_exit, found.log_name) == (True, 2, -9, "ingest.log")
    assert processes.read(path, NOW + 15_001) == {}, "nobody keeps it any more"
    for damaged in ("", "{", '{"at": 1}', '{"at": 1, "services": [{"name": 3}]}'):
        path.write_text(damaged)
        assert processes.read(path, 1) == {}


@pytest.mark.parametrize(
    ("language", "again", "signal", "ended"),
    [
        ("en", "restarts: 3 (last exit code 1)", "(last ended by signal 9)", "restarts automatically"),
        ("th", "เปิดใหม่ 3 ครั้ง (ครั้งล่าสุดจบด้วยรหัส 1)", "สัญญาณ 9", "ระบบจะเปิดให้ใหม่"),
    ],
)
def test_each_part_shows_its_restarts_and_its_log_and_what_has_ended_comes_first(
    own_house: Any,
    language: str,
    again: str,
    signal: str,
    ended: str,
) -> None:
    ctx = own_house.app.server.state.ctx
    before = {row.name: row.figures for row in health.rows(ctx, language, asked(ctx))}
    write(
        own_house.processes,
        service("broker", restarts=3, last_exit=1),
        service("ingest", False, 1, -9),
        service("dashboard"),
        service("simulate"),
        service("bridge-ban-suan.suan-pi", restarts=1, last_exit=0),
        at=ctx.now_ms(),
    )
    found = {row.process: row for row in health.rows(ctx, language, asked(ctx))}
    assert again in found["broker"].figures and any("broker.log" in figure for figure in found["broker"].figures)
    assert (found["ingest"].well, found["ingest"].word) == ("no", "offline")
    assert ended in found["ingest"].cause and "ingest.log" in found["ingest"].cause
    assert any(signal in figure for figure in found["ingest"].figures)
    assert list(found["dashboard"].figures)[-1].endswith("dashboard.log")
    assert any("simulate.log" in figure for figure in found["simulate"].figures)
    assert any("bridge-ban-suan.suan-pi.log" in figure for figure in found["bridge-ban-suan.suan-pi"].figures)
    untouched = found["alerts"]
    assert untouched.figures == before[untouched.name], "of what the supervisor does not know nothing is said"


def test_the_page_shows_it(own_house: Any) -> None:
    ctx = own_house.app.server.state.ctx
    write(own_house.processes, service("ingest", restarts=4, last_exit=1), at=ctx.now_ms())
    shown = " ".join(health.view(ctx, "en").pieces(set()).values())
    assert "restarts: 4 (last exit code 1)" in shown and "log: ingest.log" in shown


@pytest.mark.parametrize(
    ("language", "said"), [("en", "stopped responding and was restarted: 2×"), ("th", "ค้างและระบบเปิดให้ใหม่ 2 ครั้ง")]
)
def test_what_hung_is_told_apart_from_what_died(own_house: Any, language: str, said: str) -> None:
    ctx = own_house.app.server.state.ctx
    at = ctx.now_ms()
    told = [("ingest", "hung", at - 90_000), ("ingest", "died", at - 50_000), ("ingest", "hung", at - 30_000)]
    incidents = [{"service": who, "what": what, "at": when, "over_at": None} for who, what, when in told]
    write(own_house.processes, service("ingest", restarts=3), service("alerts"), at=at, incidents=incidents)
    found = {row.process: row for row in health.rows(ctx, language, asked(ctx))}
    assert any(said in figure for figure in found["ingest"].figures)
    assert not any(said[:8] in figure for figure in found["alerts"].figures)


def test_what_the_supervisor_writes_is_what_is_read(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from classair.ops.supervisor import _Supervisor
    from classair.places import Places

    places = Places(tmp_path)
    children = {"ingest": Child("ingest", ["true"], places.logs / "ingest.log", restarts=5, last_exit=-15)}
    incidents = Incidents()
    incidents.began("ingest", "hung")
    _Supervisor._write_status(SimpleNamespace(children=children, places=places, incidents=incidents))  # type: ignore[arg-type]
    at = json.loads(places.processes.read_text())["at"]
    found = processes.read(places.processes, at)["ingest"]
    assert (found.alive, found.restarts, found.last_exit, found.log_name) == (False, 5, -15, "ingest.log")
    assert (found.hung, found.hung_at) == (1, incidents.records()[0]["at"])
