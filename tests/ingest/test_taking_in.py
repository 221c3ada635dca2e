"""Ingest beside a real mosquitto: every message ends as stored, duplicate or quarantined, and nothing good is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from classair.wire import MAX_PAYLOAD
from ingest.commands import count as count_command
from ingest.commands import quarantine as quarantine_command


def rows(school: Any, statement: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{school.places.readings}?mode=ro", uri=True)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def reasons(school: Any) -> list[str]:
    return [row[0] for row in rows(school, "select reason from quarantine order by id")]


def reading(seq: int, **change: Any) -> dict[str, Any]:
    at = int(time.time() * 1000) - 600_000 + seq * 100
    return {
        "bridge": "pi-1",
        "epoch": "abcdef012345",
        "seq": seq,
        "sensor": "a-pm",
        "at": at,
        "interval_s": 10.0,
        "n": 10,
        "values": {"pm25": 12.5, "pm10": 15.0, "temp_c": 28.0, "rh_pct": 60.0},
        "simulated": True,
        **change,
    }


def test_a_reading_sent_many_times_is_stored_once_and_acknowledged(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    ingest = school.begin()
    batch = [reading(seq) for seq in range(1, 101)]
    for _ in range(3):
        bridge.send(batch)
        for one in batch[:10]:
            bridge.send(one)
    wait_for(lambda: ingest._writer.figures.messages == 33, what="33 messages")
    wait_for(lambda: bridge.upto() == 100, what="stored up to 100")
    assert (ingest._writer.figures.stored, ingest._writer.figures.duplicates) == (100, 230)
    assert rows(school, "select count(*), count(distinct seq) from reading") == [(100, 100)]
    told = bridge.newest("classair/v1/test-town/north/bridge/pi-1/stored")
    assert told["epoch"] == "abcdef012345" and abs(told["server_time"] - time.time() * 1000) < 10_000


def test_each_kind_of_bad_input_is_set_aside_with_its_reason_and_the_good_is_stored(
    school: Any, bridge: Any, new_bridge: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    ingest = school.begin()
    at_2099 = 4_070_908_800_000
    bad = [
        reading(2, at=at_2099),
        reading(3, sensor="c-pm"),
        reading(4, sensor="b-pm"),
        reading(5, bridge="pi-2"),
        reading(6, values={"pm25": "12"}),
        reading(7, values={"smell": 3.0}),
        reading(8, at=-5),
        {"seq": 9},
        reading(10, values={"pm25": 1e300}),
    ]
    bridge.send([reading(1), *bad, reading(11)])
    bridge.send(b"garbage \xff\x00")
    bridge.send(b"x" * 1_000_000)
    bridge.send(b"[" * 200_000)
    stranger = new_bridge("pi-9")
    stranger.send(reading(1, bridge="pi-9"))
    bridge.send({"pm2_5": 14}, retain=True)
    bridge.send([])
    wait_for(lambda: ingest._writer.figures.messages == 7, what="7 messages")
    figures = ingest._writer.figures
    assert (figures.stored, figures.quarantined) == (2, len(bad) + 6)
    told = "\n".join(reasons(school))
    for words in (
        "future",
        "sensor north.c-pm is not in sensors.yaml",
        "belongs to bridge pi-2",
        "names bridge pi-2, but arrived from pi-1",
        "values.pm25",
        "values.smell",
        "before 1970",
        "a value is too large to store",
        "1000000 bytes",
        "bridge north.pi-9 is not in sensors.yaml",
    ):
        assert words in told
    assert rows(school, "select max(length(payload)) from quarantine")[0][0] <= MAX_PAYLOAD
    # Numbers that could be read are dealt with, those that could not (5: not its own, 9) are not.
    wait_for(lambda: bridge.upto() == 4, what="upto 4")
    assert ingest._writer.books.store.missing("north.pi-1", "abcdef012345") == [(5, 5), (9, 9)]
    bridge.send([reading(5), reading(9)])
    wait_for(lambda: bridge.upto() == 11, what="upto 11")
    assert stranger.upto("pi-9") == 1


def test_a_reading_at_which_ingest_itself_fails_is_set_aside_and_stops_no_other(
    school: Any,
    bridge: Any,
    wait_for: Callable[..., Any],
) -> None:
    school.begin()
    bridge.send([reading(seq) for seq in range(1, 4)])
    wait_for(lambda: bridge.upto() == 3)
    with contextlib.closing(sqlite3.connect(school.places.readings, timeout=10)) as connection:
        connection.execute(
            "create trigger fault before insert on reading when new.seq in (57, 90) "
            "begin select raise(abort, 'a fault of ours'); end"
        )
        connection.commit()
    bridge.send([reading(seq) for seq in range(4, 101)])
    wait_for(lambda: bridge.upto() == 100)
    assert rows(school, "select count(*) from reading") == [(98,)]
    assert rows(school, "select seq from quarantine order by seq") == [(57,), (90,)]
    assert all("internal error in ingest" in reason for reason in reasons(school))
    with contextlib.closing(sqlite3.connect(school.places.readings, timeout=10)) as connection:
        connection.execute("drop trigger fault")
        connection.commit()
    answer = bridge.ask("quarantine_replay", all=True)
    wait_for(lambda: bridge.newest(answer))
    assert rows(school, "select count(*) from reading") == [(100,)]


def test_a_foreign_retained_message_is_kept_once_however_often_the_broker_repeats_it(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    bridge.send({"pm2_5": 14}, retain=True)
    ingest = school.begin()
    wait_for(lambda: ingest._writer.figures.messages == 1, what="the retained message")
    school.end()
    ingest = school.begin()
    wait_for(lambda: ingest._writer.figures.messages == 1, what="the retained message again")
    assert rows(school, "select count(*), sum(times) from quarantine") == [(1, 2)]
    assert "retained message" in reasons(school)[0]


def test_a_retained_reading_with_its_own_time_is_an_ordinary_one(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    bridge.send(reading(1), retain=True)
    ingest = school.begin()
    wait_for(lambda: ingest._writer.figures.stored == 1, what="the reading")


def test_gaps_and_switches_count_as_dealt_with(school: Any, bridge: Any, wait_for: Callable[..., Any]) -> None:
    ingest = school.begin()
    base = {"bridge": "pi-1", "epoch": "abcdef012345"}
    switch = {**base, "kind": "switch", "seq": 6, "purifier": "a-fan", "at": int(time.time() * 1000), "on": True}
    bridge.send([reading(1), {**base, "kind": "gap", "first": 2, "last": 5, "reason": "spool full"}, switch, switch])
    wait_for(lambda: bridge.upto() == 6, what="upto 6")
    assert [gap.reason for gap, _ in ingest._writer.books.store.gaps()] == ["spool full"]
    assert rows(school, 'select purifier, "on" from switch') == [("north.a-fan", 1)]
    assert ingest._writer.figures.duplicates == 1


def test_the_states_of_purifiers_are_kept_when_they_change(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    ingest = school.begin()
    topic = "classair/v1/test-town/north/purifier/a-fan/state"
    state = {
        "purifier": "north.a-fan",
        "room": "north.a",
        "on": True,
        "since": 1_790_000_000_000,
        "at": 1_790_000_000_000,
        "reason": "PM2.5 above 25",
        "simulated": True,
    }
    bridge.send(state, topic, retain=True)
    bridge.send({**state, "at": 1_790_000_060_000}, topic, retain=True)
    bridge.send({**state, "on": False, "since": 1_790_000_090_000}, topic, retain=True)
    bridge.send(b"", topic, retain=True)
    bridge.send({**state, "purifier": "north.b-fan"}, topic)
    wait_for(lambda: ingest._writer.figures.messages == 5, what="5 messages")
    assert rows(school, 'select at_ms, "on" from switch order by at_ms') == [
        (1_790_000_000_000, 1),
        (1_790_000_090_000, 0),
    ]
    assert ingest._writer.figures.quarantined == 1


def test_what_was_set_aside_is_taken_in_again_once_the_configuration_is_right(
    school: Any, bridge: Any, wait_for: Callable[..., Any], capsys: Any
) -> None:
    ingest = school.begin()
    bridge.send([reading(1, sensor="c-pm"), reading(2), {"nonsense": True}])
    wait_for(lambda: bridge.upto() == 2, what="upto 2")
    wait_for(lambda: "are in quarantine" in bridge.warnings(), what="a warning")
    school.edit("      b-pm:", '      c-pm: {bridge: pi-1, room: a, model: pms5003t, port: "sim:x"}\n      b-pm:')
    wait_for(lambda: ingest._writer.accepting.current.version == 2, what="version 2")
    broker = f"mqtt://127.0.0.1:{school.port}"
    assert quarantine_command.main(["--data", str(school.places.root), "replay", "--all", "--broker", broker]) == 1
    assert "1 stored, 0 already stored, 1 still" in capsys.readouterr().out
    assert rows(school, "select seq from reading order by seq") == [(1,), (2,)]
    school.end()
    assert quarantine_command.main(["--data", str(school.places.root), "list"]) == 0
    assert "1 message in quarantine" in capsys.readouterr().out
    # Without a running ingest the command does it itself.
    assert quarantine_command.main(["--data", str(school.places.root), "replay", "--id", "2"]) == 1
    assert count_command.main(["--data", str(school.places.root)]) == 0


def test_asks_are_answered_and_unknown_ones_refused(school: Any, bridge: Any, wait_for: Callable[..., Any]) -> None:
    school.begin()
    wait_for(lambda: bridge.newest("classair/v1/test-town/control/service/ingest"), what="a status")
    for do, check in (
        ("time", lambda answer: abs(answer["result"]["server_time"] - time.time() * 1000) < 10_000),
        ("counts", lambda answer: answer["result"]["stored"] == 0),
        ("quarantine_replay", lambda answer: not answer["ok"] and "all: true" in answer["error"]),
        ("dance", lambda answer: not answer["ok"] and "dance" in answer["error"]),
    ):
        topic = bridge.ask(do)
        assert check(wait_for(lambda topic=topic: bridge.newest(topic), what=do))


def test_a_question_for_the_time_is_answered_afresh_and_not_retained(
    school: Any, bridge: Any, new_bridge: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    school.begin()
    bridge.send(reading(1))
    wait_for(lambda: bridge.upto() == 1, what="upto 1")
    bridge.link.publish("classair/v1/test-town/north/bridge/pi-1/time", json.dumps({"id": "q1"}).encode(), qos=0)
    stored = "classair/v1/test-town/north/bridge/pi-1/stored"
    wait_for(lambda: any(told.get("answer_to") == "q1" for told in bridge.heard[stored]), what="an answer")
    late = new_bridge("late")
    wait_for(lambda: late.newest(stored), what="the retained word")
    assert "answer_to" not in late.newest(stored)


def test_a_hole_that_stays_is_asked_for_again(
    school: Any, bridge: Any, wait_for: Callable[..., Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("ingest.writer.LOOK_FOR_HOLES_S", 0.05)
    school.begin()._telling.patience_s = 0.1
    status = "classair/v1/test-town/north/bridge/pi-1/status"
    bridge.send({"state": "online"}, status, retain=True)
    bridge.send([reading(1), reading(4), reading(5)])
    replay = "classair/v1/test-town/north/bridge/pi-1/replay"
    asked = wait_for(lambda: bridge.newest(replay), what="a request")
    assert (asked["epoch"], asked["first"], asked["last"]) == ("abcdef012345", 2, 3)
    bridge.send([reading(2), reading(3)])
    wait_for(lambda: bridge.upto() == 5, what="upto 5")
