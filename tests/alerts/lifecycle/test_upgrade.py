"""Open matters of earlier versions live on as alerts, so that an upgrade tells nobody twice."""

from __future__ import annotations

from pathlib import Path

from alerts.ledger import Ledger
from alerts.ledger_reader import LedgerReader
from alerts.lifecycle.model import Key, Sight
from tests.alerts.notified import CONFIG, HOUR, MIN, PEOPLE, SEC, T0, Board, silent

OLD = (CONFIG + PEOPLE).replace(
    "  fault: {kind: purifier_fault",
    "  off: {kind: person_off, tell: [teacher], tell_later: [head], later: 15m}\n  fault: {kind: purifier_fault",
)
DELIVERY = (
    "insert into delivery(rule, subject, kind, person, channel, at, attempt, ok, error) "
    "values(?,?,'problem',?,'console',?,1,?,'')"
)


def earlier(folder: Path) -> None:
    """What an earlier version left: a told silence, an untold fault, a person's OFF told to both."""
    ledger = Ledger(folder / "ledger.db")
    for rule, subject, told_at in (
        ("no-data", "s1.r1", T0 - HOUR),
        ("fault/device/E1", "s1.fan", None),
        ("fault", "s1.fan", T0 - HOUR),
        ("off/person_off", "s1.fan", T0 - HOUR),
        ("off/person_off_long", "s1.fan", T0 - HOUR),
    ):
        ledger.write("insert into matter values(?,?,?,?)", rule, subject, T0 - 2 * HOUR, told_at)
    for rule, subject, person, ok in (
        ("no-data", "s1.r1", "teacher", 1),
        ("no-data", "s1.r1", "head", 0),
        ("fault", "s1.fan", "teacher", 1),
        ("off/person_off", "s1.fan", "teacher", 1),
        ("off/person_off_long", "s1.fan", "head", 1),
    ):
        ledger.write(DELIVERY, rule, subject, person, T0 - HOUR, ok)
    assert ledger.sync()
    ledger.close()


def test_who_was_told_is_not_told_again_and_who_was_not_is(tmp_path: Path) -> None:
    earlier(tmp_path)
    it = Board(tmp_path, OLD, step_s=1)
    it.put(
        silent("s1.r1", True),
        Sight(Key("fault", "s1.fan", "device/E1"), "purifier_fault", "s1", "s1.r1", True),
        Sight(Key("fault", "s1.fan", "not_obeying"), "purifier_fault", "s1", "s1.r1", True),
        Sight(Key("off", "s1.fan"), "person_off", "s1", "s1.r1", True),
    )
    it.live(10 * SEC)
    told = sorted((told.person, told.stage, told.alert.key.rule) for told in it.outbox.told)
    assert ("teacher", "fired", "no-data") not in told and told.count(("teacher", "fired", "fault")) == 1
    assert not [one for one in told if one[2] == "off"]
    assert {(alert.kind, alert.room) for alert in it.board.open()} == {
        ("silent", "s1.r1"),
        ("purifier_fault", "s1.r1"),
        ("person_off", "s1.r1"),
    }
    it.restart()
    it.live(10 * SEC)
    assert len(it.outbox.told) == len(told) and len(it.board.open()) == 4
    it.put(silent("s1.r1", False))
    it.step_ms = MIN
    it.live(HOUR)
    assert ("teacher", "s1.r1") in it.outbox.of("recovered")
    it.close()


def test_deliveries_of_earlier_versions_stay_readable(tmp_path: Path) -> None:
    earlier(tmp_path)
    Board(tmp_path, OLD).close()
    assert len(LedgerReader(tmp_path / "ledger.db").deliveries(0, T0)) == 5
