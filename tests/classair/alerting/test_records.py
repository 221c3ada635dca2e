"""What is read of alerts: what is on disk, or that it is not known."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.alerting import reading
from classair.alerting.reading import NotKnown, Records
from classair.alerting.tables import SCHEMA
from tests.classair.alerting.filled import empty_ledger, put, put_alert, put_notification


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return empty_ledger(tmp_path / "ledger.db")


def test_a_record_has_the_columns_of_its_table() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for record, table in reading._TABLES.items():
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        assert [one.name for one in fields(record)] == columns, table


def test_addresses_of_people_are_never_read() -> None:
    assert "contact" not in reading._TABLES.values()


def test_a_ledger_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(NotKnown, match=r"ledger\.db is not there yet"):
        Records(tmp_path / "ledger.db").open_alerts()
    assert not (tmp_path / "ledger.db").exists()


def test_a_ledger_of_an_earlier_version_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("create table meta(key text)")
    connection.close()
    with pytest.raises(NotKnown, match="no such table"):
        Records(path).open_alerts()


def test_a_ledger_that_is_no_database_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(NotKnown):
        Records(path).silences()


def test_a_ledger_that_somebody_holds_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WAIT_S", 0.0)
    path = tmp_path / "ledger.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.executescript(SCHEMA)
    holder.execute("begin exclusive")
    with pytest.raises(NotKnown, match="locked"):
        Records(path).open_alerts()
    holder.execute("rollback")
    assert Records(path).open_alerts() == []
    holder.close()


def test_a_ledger_is_read_while_alerts_writes(ledger: Path) -> None:
    put_alert(ledger, "a")
    writer = sqlite3.connect(ledger, isolation_level=None)
    writer.execute("begin immediate")
    writer.execute("update alert set state='acknowledged'")
    found = Records(ledger).alert("a")
    assert found is not None and found.state == "firing"
    writer.execute("commit")
    found = Records(ledger).alert("a")
    assert found is not None and found.state == "acknowledged"
    writer.close()


def test_nothing_is_written(ledger: Path) -> None:
    with Records(ledger)._open() as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("delete from alert")


def test_an_alert_is_read_with_its_words_and_memory(ledger: Path) -> None:
    put_alert(ledger, "a", words='{"value": 52}', memory='{"steps_told": 1}', cause="bridge:ban-suan.gate")
    (found,) = Records(ledger).open_alerts()
    assert (found.words, found.memory, found.cause, found.holds) == (
        {"value": 52},
        {"steps_told": 1},
        "bridge:ban-suan.gate",
        True,
    )


def test_damaged_words_of_an_alert_are_no_words(ledger: Path) -> None:
    put_alert(ledger, "a", words="{half", memory="[1]")
    (found,) = Records(ledger).open_alerts()
    assert (found.words, found.memory) == ({}, {})


def test_what_is_closed_is_not_open_and_is_in_the_history(ledger: Path) -> None:
    put_alert(ledger, "open")
    put_alert(ledger, "over", state="closed", closed_at=9_000, changed_at=9_000, holds=0)
    read = Records(ledger)
    assert [one.id for one in read.open_alerts()] == ["open"]
    assert [one.id for one in read.alerts()] == ["over", "open"]
    assert [one.id for one in read.alerts(["closed"])] == ["over"]
    assert [one.id for one in read.alerts(since_ms=5_000)] == ["over"]
    assert [one.id for one in read.alerts(sites=["elsewhere"])] == []
    assert [one.id for one in read.alerts(kind="above", room="ban-suan.p1-2")] == ["over", "open"]
    assert read.alert("nobody") is None


@settings(max_examples=25)  # each makes a file
@given(moments=st.lists(st.integers(1, 4), max_size=12), size=st.integers(1, 5))
def test_pages_give_every_alert_once_even_those_of_one_moment(
    tmp_path_factory: pytest.TempPathFactory, moments: list[int], size: int
) -> None:
    path = empty_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
    for number, moment in enumerate(moments):
        put_alert(path, f"a{number}", changed_at=moment)
    read, found, before = Records(path), [], None
    while page := read.alerts(before=before, limit=size):
        assert len(page) <= size
        found += page
        before = page[-1].place
    assert len({one.id for one in found}) == len(found) == len(moments)
    assert [one.place for one in found] == sorted((one.place for one in found), reverse=True)


def test_nobody_gets_more_than_the_longest_page(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT", 2)
    for number in range(3):
        put_alert(ledger, f"a{number}")
    assert len(Records(ledger).alerts(limit=1_000_000)) == 2
    assert Records(ledger).alerts(limit=-1) == []


def test_told_is_only_what_reached_a_person(ledger: Path) -> None:
    put_alert(ledger, "a")
    put_notification(ledger, "n1", "a", channel="console", delivered_at=4_000, reached=0)
    put_notification(ledger, "n2", "a", channel="line", delivered_at=5_000, reached=1, made_at=3_500)
    found = Records(ledger).notifications_of(["a", "b"])
    assert [one.told_at for one in found["a"]] == [None, 5_000]
    assert found["b"] == []


def test_held_back_are_those_that_were_not_sent_or_wait_for_a_reason(ledger: Path) -> None:
    put_alert(ledger, "a")
    for number, (state, reason) in enumerate(
        [
            ("delivered", ""),
            ("delivered", "quota"),
            ("waiting", ""),
            ("waiting", "quiet_hours"),
            ("dropped", "unsubscribed"),
            ("abandoned", ""),
        ]
    ):
        put_notification(ledger, f"n{number}", "a", state=state, reason=reason)
    assert [one.id for one in Records(ledger).notifications(held_back=True)] == ["n5", "n4", "n3"]
    assert len(Records(ledger).notifications(["waiting"], person="malee", sites=["ban-suan"])) == 2


def test_attempts_are_given_in_order_with_their_errors(ledger: Path) -> None:
    for at, ok, error in [(5, 0, "the provider answered 503"), (9, 1, "")]:
        put(
            ledger,
            "attempt",
            notification="n",
            at=at,
            person="malee",
            channel="ntfy",
            attempt=1,
            ok=ok,
            error=error,
            receipt="",
        )
    assert [(one.ok, one.error) for one in Records(ledger).attempts(["n", "m", "n"])] == [
        (False, "the provider answered 503"),
        (True, ""),
    ]


def test_a_silence_holds_until_its_end_or_until_somebody_ends_it(ledger: Path) -> None:
    usual = {"site": "", "room": "", "subject": "", "rule": "", "who": "head", "why": "roof"}
    put(ledger, "silence", id="s1", at=10, until=100, **usual)
    put(ledger, "silence", id="s2", at=20, until=200, ended_at=30, ended_by="head", **usual)
    read = Records(ledger)
    assert [one.id for one in read.silences()] == ["s2", "s1"]
    for now in (5, 10, 50, 99, 100, 150):
        assert [one.id for one in read.silences(now_ms=now)] == [one.id for one in read.silences() if one.holds(now)]
    assert [one.id for one in read.silences(now_ms=50)] == ["s1"]


def test_an_episode_is_read_with_its_tasks_and_its_log(ledger: Path) -> None:
    put(ledger, "episode", id="e", name="March", sites='["ban-suan"]', opened_at=1, opened_by="rule", why="")
    put(
        ledger,
        "episode_task",
        id="t",
        episode="e",
        at=2,
        words="{curly}",
        site="ban-suan",
        room="",
        owner="malee",
        due_at=9,
    )
    put(ledger, "episode_log", episode="e", at=3, who="head", what="note", words="masks are here")
    read = Records(ledger)
    (episode,) = read.episodes(open_only=True)
    assert episode.sites == ("ban-suan",)
    assert [one.words for one in read.tasks("e")] == ["{curly}"]
    (line,) = read.episode_log("e")
    assert line.words == "masks are here"
    assert read.episode_log("e", after=line.id) == []
