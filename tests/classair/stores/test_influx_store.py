"""What only the InfluxDB store promises: carried from the journal it ends equal, and its absence is told as such."""

from __future__ import annotations

import gzip
import http.server
import json
import random
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from classair.model import Flag, Reading, SwitchEvent
from classair.stores import StoreAway, StoreConflict
from classair.stores.influxdb import line_protocol
from classair.stores.influxdb.store import InfluxStore
from classair.stores.influxdb.v1 import needs_v1
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

MIDNIGHT = 1_790_000_000_000 // DAY_MS * DAY_MS - 7 * HOUR_MS
DATABASE = "classair_carried"


def reading(town: str, seq: int, at_ms: int, **more: Any) -> Reading:
    made = Reading(
        sensor=f"{town}.pm",
        bridge=f"{town}.pi",
        epoch="abcdef123456",
        seq=seq,
        at_ms=at_ms,
        room=f"{town}.r1",
        values={"pm25": seq % 700 / 10, "rh_pct": 55.5, "n03": float(seq)},
    )
    return replace(made, **more)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "readings.db", journal=True)
    yield opened
    opened.close()


@pytest.fixture
def influx(influxd: Any) -> Iterator[InfluxStore]:
    opened = InfluxStore(influxd.url, DATABASE, timeout_s=5)
    yield opened
    opened.close()


def carry(journal: SqliteStore, influx: InfluxStore, position: int = 0, limit: int = 500) -> int:
    while (changes := journal.next_changes(position, limit)) is not None:
        assert changes.position > position
        influx.carry(changes)
        position = changes.position
    return position


def assert_same(journal: SqliteStore, influx: InfluxStore, town: str, fan: str = "") -> None:
    room, start, end = f"{town}.r1", MIDNIGHT - DAY_MS, MIDNIGHT + 10 * DAY_MS
    assert list(influx.readings(room, start, end)) == list(journal.readings(room, start, end))
    for quantity, step in (
        ("pm25", MINUTE_MS),
        ("pm25", HOUR_MS),
        ("rh_pct", 10 * MINUTE_MS),
        ("n03", HOUR_MS),
        ("n03", DAY_MS),
    ):
        assert influx.series(room, quantity, start, end, step) == journal.series(room, quantity, start, end, step)
    assert influx.latest(room) == journal.latest(room)
    assert influx.switches(fan, start, end) == journal.switches(fan, start, end)
    mine = {series: n for series, n in influx.counts(start, end).items() if series.sensor.startswith(town)}
    assert mine == journal.counts(start, end)
    days = (date(2026, 1, 1), date(2027, 1, 1))
    assert influx.versions(town, *days) == journal.versions(town, *days)


def test_what_is_carried_equals_the_journal_also_late_data_and_changed_flags(
    journal: SqliteStore, influx: InfluxStore, town: str
) -> None:
    fan = f"{town}.fan"
    live = [reading(town, seq, MIDNIGHT + seq * 10_000) for seq in range(2001, 3001)]
    late = [reading(town, seq, MIDNIGHT + seq * 10_000, late=True, flags=Flag.RH_HIGH) for seq in range(1, 2001)]
    random.Random(5).shuffle(late)
    for i in range(0, 1000, 100):
        journal.write(live[i : i + 100])
    journal.write_switches([SwitchEvent(fan, MIDNIGHT + 5, True, "pm25 30 over 25", simulated=True)])
    position = carry(journal, influx)
    assert_same(journal, influx, town, fan)
    for i in range(0, 2000, 400):
        journal.write(late[i : i + 400])
    journal.write_switches([SwitchEvent(fan, MIDNIGHT + 9_000_000, False, "clean")])
    journal.reflag(f"{town}.pm", MIDNIGHT + HOUR_MS, MIDNIGHT + HOUR_MS + 2 * MINUTE_MS, add=Flag.MANUAL)
    after = carry(journal, influx, position)
    assert after > position
    assert_same(journal, influx, town, fan)
    assert carry(journal, influx, 0) == after, "all of it once more"
    assert_same(journal, influx, town, fan)
    journal.forget_changes(after)
    assert journal.next_changes(after) is None
    assert journal.next_changes(0) is None


def test_a_journal_begun_late_holds_everything_from_before(tmp_path: Path, influx: InfluxStore, town: str) -> None:
    plain = SqliteStore(tmp_path / "readings.db")
    plain.write([reading(town, seq, MIDNIGHT + seq * HOUR_MS) for seq in range(1, 60)])
    plain.write_switches([SwitchEvent(f"{town}.fan", MIDNIGHT + 5, None, "")])
    assert plain.next_changes(0) is None
    plain.close()
    journal = SqliteStore(tmp_path / "readings.db", journal=True)
    carry(journal, influx)
    assert_same(journal, influx, town, f"{town}.fan")
    journal.close()


def test_a_server_that_lost_everything_shows_in_its_counts_and_is_filled_again(
    journal: SqliteStore, influx: InfluxStore, influxd: Any, town: str
) -> None:
    journal.write([reading(town, seq, MIDNIGHT + seq * HOUR_MS) for seq in range(1, 60)])
    position = carry(journal, influx)
    influxd.wipe()
    span = journal.span()
    assert span == (MIDNIGHT, MIDNIGHT + 3 * DAY_MS)
    with pytest.raises(StoreAway):
        influx.counts(*span)  # the database is gone; the next try makes it
    assert influx.counts(*span) == {}
    assert len(journal.counts(*span)) == 1
    journal.carry_again(*span)
    assert carry(journal, influx, position) > position
    assert_same(journal, influx, town)


def test_an_absent_server_is_told_as_away_and_comes_back_by_itself(
    influxd: Any, influx: InfluxStore, town: str
) -> None:
    influx.write([reading(town, 1, MIDNIGHT)])
    influxd.stop()
    try:
        for ask in (
            influx.rooms,
            lambda: influx.write([reading(town, 2, MIDNIGHT)]),
            lambda: influx.series(f"{town}.r1", "pm25", 0, 1, MINUTE_MS),
        ):
            with pytest.raises(StoreAway, match="is unreachable"):
                ask()
    finally:
        influxd.start()
    assert influx.write([reading(town, 1, MIDNIGHT), reading(town, 2, MIDNIGHT + 1)]) == 1


def test_a_point_that_is_refused_is_found_and_the_others_are_stored(influx: InfluxStore, town: str) -> None:
    # A key over 64 KiB is more than the server takes; everything around it must arrive.
    good = [reading(town, seq, MIDNIGHT + seq) for seq in range(1, 300)]
    bad = reading(town, 500, MIDNIGHT + 500, sensor=f"{town}.{'x' * 70_000}")
    with pytest.raises(StoreConflict, match="seq 500"):
        influx.write([*good[:150], bad, *good[150:]])
    assert list(influx.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + DAY_MS)) == good
    assert influx.series(f"{town}.r1", "n03", MIDNIGHT, MIDNIGHT + DAY_MS, HOUR_MS)[0].n == 299
    assert influx.write(good) == 0


def test_names_that_look_like_line_protocol_stay_names(influx: InfluxStore, town: str) -> None:
    odd = reading(town, 1, MIDNIGHT, room=f"{town}.r\\1 2,room=x", sensor=f"{town}.a=b")
    influx.write([odd])
    assert list(influx.readings(odd.room, MIDNIGHT, MIDNIGHT + 1)) == [odd]
    event = SwitchEvent(f"{town}.fan", MIDNIGHT, True, 'said "on", \\ and \\" too')
    influx.write_switches([event])
    assert influx.switches(event.purifier, MIDNIGHT, MIDNIGHT + 1) == [event]
    assert influx.latest("x' or room =~ /.*/ or room = '") == []


def test_pages_of_readings_join_without_loss_or_doubling(
    influx: InfluxStore, town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classair.stores.influxdb.store.PAGE", 7)
    many = [reading(town, seq, MIDNIGHT + seq // 20) for seq in range(1, 100)]
    influx.write(many)
    assert list(influx.readings(f"{town}.r1", MIDNIGHT, MIDNIGHT + DAY_MS)) == many


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("1.6.7~rc0", True),
        ("1.7.11", True),
        ("1.8.10", False),
        ("v1.12.2", False),
        ("v2.7.1", False),
        ("unknown", False),
    ],
)
def test_only_servers_before_1_8_get_the_old_path(version: str, old: bool) -> None:
    assert needs_v1(version) == old


def test_the_way_of_2_x_is_understood_by_a_server_that_has_it(
    victoria_metrics: Any,
    town: str,
    wait_for: Any,
) -> None:
    store = InfluxStore(victoria_metrics.url, "classair", token="a-token", org="demo-town")
    journal_like = [reading(town, seq, MIDNIGHT + seq * 1000) for seq in range(1, 4)]
    assert store._server.send([line_protocol.raw(each) for each in journal_like]) == []
    store.close()
    query = urllib.parse.urlencode({"match[]": f'{{sensor="{town}.pm"}}', "reduce_mem_usage": "1"})

    def exported() -> str:
        urllib.request.urlopen(f"{victoria_metrics.url}/internal/force_flush").read()
        with urllib.request.urlopen(f"{victoria_metrics.url}/api/v1/export?{query}") as answer:
            return str(answer.read().decode())

    def values() -> list[float]:
        rows = [json.loads(line) for line in exported().splitlines()]
        return next((row["values"] for row in rows if row["metric"]["__name__"] == "air_pm25"), [])

    # It shows what it took in a little later; of a series it has just met, this version may leave out rows.
    assert set(wait_for(values, 20, "the values")) <= {0.1, 0.2, 0.3}


class _Answer(http.server.BaseHTTPRequestHandler):
    status, asked = 200, list[tuple[str, str, str]]()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-Influxdb-Version", "v2.7.1")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.asked.append((self.path, self.headers.get("Authorization", ""), body.decode()))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("status", "word"), [(401, "token"), (404, "bucket 'air'"), (503, "503"), (500, "500")])
def test_a_refusing_server_is_away_with_a_reason_and_without_the_token(status: int, word: str, town: str) -> None:
    handler = type("Handler", (_Answer,), {"status": status, "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = InfluxStore.of(f"influxdb://127.0.0.1:{server.server_port}/air", "very-secret", "demo-town")
        with pytest.raises(StoreAway, match=word) as away:
            store.write_switches([SwitchEvent(f"{town}.fan", MIDNIGHT, True, "")])
        store.close()
        server.shutdown()
    assert "very-secret" not in str(away.value)
    path, authorization, body = handler.asked[0]  # type: ignore[attr-defined]
    assert path.startswith("/api/v2/write?")
    assert "precision=ns" in path
    assert authorization == "Token very-secret"
    assert body.startswith("switch,purifier=")


def test_a_server_that_hangs_is_away_after_the_time_allowed(town: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = InfluxStore(f"http://127.0.0.1:{silent.getsockname()[1]}", "air", timeout_s=0.3)
        with pytest.raises(StoreAway, match="is unreachable"):
            store.rooms()
        store.close()
