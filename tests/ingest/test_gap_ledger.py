"""Lines of the gap ledger: from the wire into readings.db, and out again for who asks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from classair.arguments import moment
from classair.model import Missing
from ingest.commands.count import main as count
from ingest.commands.gaps import main as gaps

AT = 1_795_226_400_000


def line(seq: int, **change: Any) -> dict[str, Any]:
    return {
        "kind": "missing",
        "bridge": "pi-1",
        "epoch": "abcdef012345",
        "seq": seq,
        "sensor": "a-pm",
        "start": AT,
        "end": AT + 60_000,
        "expected": 6,
        "reason": "unplugged",
        **change,
    }


def kept(school: Any, ingest: Any) -> list[Missing]:
    return list(ingest._writer.books.store.missing_lines("north.a-pm", 0, 2**52))


def test_a_line_is_kept_once_and_its_number_is_dealt_with(
    school: Any,
    bridge: Any,
    wait_for: Callable[..., Any],
    capsys: Any,
) -> None:
    ingest = school.begin()
    lines = [line(1), line(2, reason="silent", start=AT + 60_000, end=AT + 90_000, expected=3), line(3, expected=0)]
    bridge.send(lines)
    bridge.send(lines)
    wait_for(lambda: bridge.upto() == 3, what="upto 3")
    wait_for(lambda: ingest._writer.figures.duplicates == 3, what="3 duplicates")
    assert kept(school, ingest) == [
        Missing("north.a-pm", AT, AT + 60_000, 6, "unplugged", "north.pi-1", True),
        Missing("north.a-pm", AT + 60_000, AT + 90_000, 3, "silent", "north.pi-1", True),
    ]
    assert count(["--data", str(school.places.readings.parent)]) == 0, capsys.readouterr().out


def test_a_line_about_a_stranger_the_future_or_backwards_is_set_aside_under_its_number(
    school: Any,
    bridge: Any,
    wait_for: Callable[..., Any],
) -> None:
    ingest = school.begin()
    bridge.send([line(1, sensor="nobody"), line(2, end=AT - 1), line(3, end=2**52), line(4, reason="because"), line(5)])
    wait_for(lambda: bridge.upto() == 5, what="upto 5")
    assert ingest._writer.figures.quarantined == 4
    assert len(kept(school, ingest)) == 1


def test_the_command_tells_people_and_programs(
    school: Any,
    bridge: Any,
    wait_for: Callable[..., Any],
    capsys: Any,
) -> None:
    school.begin()
    bridge.send([line(1), line(2, reason="broker_away", start=AT + 90_000, end=AT + 120_000, expected=3)])
    wait_for(lambda: bridge.upto() == 2, what="upto 2")
    data = ["--data", str(school.places.readings.parent)]
    asked = [*data, "--sensor", "north.a-pm", "--from", str(AT), "--to", str(AT + 600_000)]
    assert gaps(asked) == 0
    told = capsys.readouterr().out
    assert "unplugged" in told and "6 readings are missing" in told
    assert gaps([*asked, "--json"]) == 0
    rows = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [(row["reason"], row["expected"], row["there"]) for row in rows] == [
        ("unplugged", 6, False),
        ("broker_away", 3, True),
    ]
    assert gaps([*asked, "--csv"]) == 0
    assert [row["start_ms"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == [
        str(AT),
        str(AT + 90_000),
    ]
    assert gaps([*data, "--sensor", "north.", "--from", str(AT), "--to", str(AT + 1)]) == 0
    assert "unplugged" in capsys.readouterr().out


def test_without_a_store_the_command_says_so(tmp_path: Any, capsys: Any) -> None:
    assert gaps(["--data", str(tmp_path), "--sensor", "north.a-pm"]) == 2
    assert "cannot open readings.db" in capsys.readouterr().err


def test_a_time_without_an_offset_is_thai_time() -> None:
    assert moment("2026-11-23") == moment("2026-11-22T17:00:00+00:00")
    assert moment("2026-11-23T07:00") == moment("2026-11-23T00:00:00Z")
