"""The ledger: what is written is there after a restart, and no fault of a disk stops its owner."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from alerts.ledger import Ledger
from alerts.ledger_reader import LedgerReader
from alerts.ledger_schema import bring_up


def test_the_term_rises_at_each_start(tmp_path: Path) -> None:
    terms = []
    for _ in range(3):
        ledger = Ledger(tmp_path / "ledger.db")
        terms.append(ledger.next_term())
        ledger.close()
    assert terms == [1, 2, 3]


def test_what_was_written_is_read_by_others_and_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.write("insert into purifier_memory values(?,?,?)", "s.f", 5, "{}")
    ledger.write(
        'insert into command(purifier, at, "on", mode, reason, seconds, attempt, signal, signal_at, '
        "config_version) values('s.f', 7, 1, 'auto', 'why', 300, 1, 30.5, 6, 2)"
    )
    ledger.write(
        "insert into delivery(rule, subject, kind, person, channel, at, attempt, ok, error) "
        "values('r', 's.r', 'problem', 'p', 'console', 9, 1, 1, '')"
    )
    assert ledger.sync()
    reader = LedgerReader(tmp_path / "ledger.db")
    assert [c.seconds for c in reader.commands("s.f", 0, 8)] == [300] and reader.commands("s.f", 8, 9) == []
    assert [d.ok for d in reader.deliveries(0, 10)] == [True]
    ledger.close()
    again = Ledger(tmp_path / "ledger.db")
    assert again.memories() == {"s.f": "{}"}
    again.close()


def test_a_reader_before_the_first_writer_sees_nothing(tmp_path: Path) -> None:
    assert LedgerReader(tmp_path / "ledger.db").states("s.r", 0, 10) == []


def test_after_calls_once_what_was_queued_before_is_on_disk(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    done, seen = threading.Event(), []
    ledger.write("insert into retained values('a/b')")
    ledger.after(lambda: (seen.append(ledger.retained()), done.set()))
    assert done.wait(60) and seen == [{"a/b"}]
    ledger.close()


def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is no database at all" * 400)
    ledger = Ledger(path)
    assert ledger.next_term() == 1
    ledger.close()
    assert [p for p in tmp_path.iterdir() if "damaged" in p.name]


def test_without_a_disk_it_lives_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger(tmp_path / "file" / "ledger.db")
    assert ledger.failing
    assert ledger.next_term() > 1_000_000
    ledger.write("insert into retained values('a')")
    assert ledger.sync()
    assert ledger.retained() == set()
    ledger.close()


NUMBERED = """
create table state_told(
    id integer primary key, room text not null, at integer not null, phase text not null, level text not null,
    shown text not null, rule integer not null, co2_level text not null, co2_shown text not null,
    outdoor_shown text not null, config_version integer not null, advice_version text not null,
    simulated integer not null);
create index state_told_room on state_told(room, at);
"""
ROW = "insert into state_told values(?, 's.r', ?, 'ok', 'good', '18', ?, 'fresh', '800', '40', 1, ?, 0)"


def test_a_ledger_whose_rows_of_advice_were_numbers_is_brought_up_and_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old = sqlite3.connect(path)
    old.executescript(NUMBERED)
    old.executemany(ROW, [(n, n * 10, n, "2026-11.1") for n in range(17)])
    old.commit()
    assert [told.rule for told in LedgerReader(path).states("s.r", 0, 1000)] == [str(n) for n in range(17)]
    old.close()
    for _ in range(2):  # the second time there is nothing to do
        ledger = Ledger(path)
        assert ledger.rows_shown() == {"s.r": "16"} and not ledger.failing
        ledger.close()
    ledger = Ledger(path)
    ledger.write(ROW.replace("values(?", "values(null"), 500, "13a", "2026-12.1")
    ledger.write(ROW.replace("values(?", "values(null"), 510, "7", "2026-12.1")
    assert ledger.sync()
    told = LedgerReader(path).states("s.r", 150, 1000)
    assert [(one.at, one.rule, one.advice_version) for one in told] == [
        (150, "15", "2026-11.1"),
        (160, "16", "2026-11.1"),
        (500, "13a", "2026-12.1"),
        (510, "7", "2026-12.1"),
    ]
    ledger.close()


def test_a_move_that_fails_half_way_leaves_the_old_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(NUMBERED + "create view state_told_numbered as select 1;")
    old.execute(ROW, (1, 10, 13, "2026-11.1"))
    try:
        bring_up(old)
        raise AssertionError("the name is taken")
    except sqlite3.OperationalError:
        pass
    assert old.execute("select rule, typeof(rule) from state_told").fetchall() == [(13, "integer")]
    old.execute("drop view state_told_numbered")
    bring_up(old)
    assert old.execute("select rule, typeof(rule) from state_told").fetchall() == [("13", "text")]
    assert [row[1] for row in old.execute("pragma index_list(state_told)")] == ["state_told_room"]
    old.close()


def test_statements_are_kept_together_or_not_at_all_and_others_are_not_kept_waiting(tmp_path: Path) -> None:
    ledger, done = Ledger(tmp_path / "ledger.db"), threading.Event()
    topic = "insert into retained values(?)"
    ledger.together([(topic, ("a",)), (topic, ("b",))])
    ledger.together([(topic, ("c",)), (topic, ("a",))], done.set)  # the second is there already
    ledger.together([(topic, ("d",))])
    assert ledger.sync() and done.is_set()
    assert ledger.retained() == {"a", "b", "d"} and ledger.lost == 2 and not ledger.failing
    ledger.close()


def test_what_follows_a_commit_follows_at_once_where_the_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger, seen = Ledger(tmp_path / "file" / "ledger.db"), list[int]()
    ledger.together([("insert into retained values(?)", ("a",))], lambda: seen.append(1))
    assert seen == [1]
    ledger.close()
