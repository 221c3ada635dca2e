"""What was missing before a bridge started, when it learns the time only after it has measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from classair.config import Sensor
from classair.places import Places
from firmware_bridge.clock import BUILT_MS, Clock
from firmware_bridge.health.accounting import Accounting
from firmware_bridge.health.missing import MissingReadings
from firmware_bridge.sensor_line import SensorLine
from firmware_bridge.spool.packing import Hole
from firmware_bridge.spool.spool import Spool

EVERY_S = 10.0
DAWN = BUILT_MS + 86_400_000  # UTC ms at which the machine of these tests was switched on for the second time
FIRST, SECOND = "boot-1", "boot-2"


class Run:
    """A bridge's life from its start to its end, seconds of elapsed(): one sensor, a spool, a clock that may be set."""

    def __init__(self, folder: Path, boot: str, began_s: float, offset_ms: int | None = None) -> None:
        self.boot, self.now_s, self.offset_ms = boot, began_s, offset_ms
        self.spool = Spool.open(folder / "spool.db")
        self.clock = Clock(
            elapsed=lambda: self.now_s,
            synchronised=lambda: self.offset_ms is not None,
            wall=lambda: self.now_s + (self.offset_ms or 0) / 1000,
        )
        settings = Sensor.model_validate(
            {"bridge": "pi", "room": "a", "model": "none", "port": "/dev/none", "every": EVERY_S}
        )
        self.line = SensorLine("school.a-pm", settings, Places(folder), lambda event: None)
        self.accounting = Accounting(self.spool, self.clock, boot, self._keep)
        self.accounting.begin(self.line, began_s)

    def _append(self, item: dict[str, Any], end_ms: int) -> None:
        moment = self.clock.date(end_ms / 1000)
        if moment is None:
            self.spool.append(item, None, mono=end_ms, boot=self.boot)
        else:
            self.spool.append(item, moment.at_ms)

    def _keep(self, line: SensorLine, stretch: MissingReadings) -> None:
        self._append(
            {
                "kind": "missing",
                "sensor": line.id,
                "reason": stretch.reason,
                "length_ms": stretch.length_ms,
                "expected": stretch.expected,
                "simulated": False,
            },
            stretch.end_ms,
        )

    def reads(self, *moments_s: float) -> None:
        for self.now_s in moments_s:
            self.accounting.reading(self.line, self.now_s, {"pm25"})
            self._append(
                {"sensor": self.line.id, "values": {"pm25": 1.0}, "interval_s": EVERY_S}, round(self.now_s * 1000)
            )

    def learns(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms
        self.spool.date(self.boot, offset_ms, "sync", BUILT_MS)
        self.accounting.tick(self.now_s, connected=True, dated=True)

    def killed(self) -> None:
        self.spool.commit()
        self.spool.close()

    def missing(self) -> list[tuple[float, float, str, int]]:
        """Lines of the ledger as seconds from DAWN: start, end, reason, readings; sorted."""
        found = []
        for row in self.spool.after(0, 1000):
            assert not isinstance(row, Hole) and row.at is not None
            if not self.spool.shapes.is_reading(row.shape):
                length, expected = map(int, row.given.split(","))
                end = row.at - DAWN
                reason = self.spool.shapes.text_of(row.shape)["reason"]
                found.append(((end - length) / 1000, end / 1000, reason, expected))
        return sorted(found)


def before_the_power_cut(folder: Path) -> None:
    """Readings up to a minute before DAWN."""
    first = Run(folder, FIRST, 990.0, DAWN - 1_060_000)
    first.reads(1000.0)
    first.killed()


def test_readings_that_waited_for_the_time_do_not_hide_what_was_missing_before_them(tmp_path: Path) -> None:
    before_the_power_cut(tmp_path)
    second = Run(tmp_path, SECOND, 20.0)
    second.reads(30.0, 40.0)
    second.learns(DAWN)
    assert second.missing() == [(-60, 20, "off", 8)]
    second.killed()


def test_what_was_missing_between_runs_that_never_knew_the_time_is_told_of_each(tmp_path: Path) -> None:
    before_the_power_cut(tmp_path)
    for began_s in (20.0, 90.0):
        unknowing = Run(tmp_path, SECOND, began_s)
        unknowing.reads(began_s + 10, began_s + 20)
        unknowing.killed()
    last = Run(tmp_path, SECOND, 150.0)
    last.reads(160.0)
    last.learns(DAWN)
    assert last.missing() == [(-60, 20, "off", 8), (40, 90, "off", 5), (110, 150, "off", 4)]
    last.killed()


def test_a_pause_of_less_than_half_a_reading_is_none(tmp_path: Path) -> None:
    first = Run(tmp_path, SECOND, 20.0)
    first.reads(30.0)
    first.killed()
    second = Run(tmp_path, SECOND, 34.0)
    second.reads(40.0)
    second.learns(DAWN)
    assert second.missing() == []
    second.killed()
