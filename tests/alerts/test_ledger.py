"""The ledger: what is written is there after a restart, and no fault of a disk stops its owner."""

from __future__ import annotations

import threading
from pathlib import Path

from alerts.ledger import Ledger, LedgerReader


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
