"""Who changed what: kept, paged, shown to administrators alone, by page and by command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.places import Places
from dashboard.access import command
from dashboard.access.audit import MOST, Audit
from dashboard.access.desk import Desk
from dashboard.access.desk_file import DeskFile
from tests.dashboard.access.conftest import Clock


@pytest.fixture
def audit(tmp_path: Path, clock: Clock) -> Iterator[Audit]:
    file = DeskFile(tmp_path / "desk.db")
    yield Audit(file, clock)
    file.close()


def test_pages_lead_through_every_entry_once_newest_first(audit: Audit) -> None:
    for number in range(25):
        audit.note("account:a" if number % 2 else "account:b", "override", str(number), "done")
    seen: list[str] = []
    before = None
    while page := audit.page(7, before=before):
        seen += [one.about for one in page]
        before = page[-1].id
    assert seen == [str(number) for number in reversed(range(25))]
    assert {one.who for one in audit.page(who="account:a")} == {"account:a"}
    assert len(audit.page(10 * MOST)) == 25 and audit.page(-1) == []


def test_what_was_written_is_cut_and_never_lost(audit: Audit) -> None:
    audit.note("account:a", "event_add", "x" * 1000, "y" * 1000)
    (one,) = audit.page()
    assert (len(one.about), len(one.outcome)) == (200, 200)


def entered(house: Any, name: str) -> dict[str, str]:
    return {"Cookie": f"classair_session={house.desk.sign_in_as(name).secret}"}


def test_the_page_is_for_administrators_and_pages_on(own_house: Any) -> None:
    own_house.desk.add_account("boss", "admin", "")
    own_house.desk.add_account("head", "head", "", ["ban-suan"])
    for number in range(101):
        own_house.desk.note("account:head", "override", f"<b>fan {number}</b>", "done")
    boss, head = entered(own_house, "boss"), entered(own_house, "head")
    assert own_house.ask("/audit", **head).status == 403 and own_house.ask("/audit").status == 401
    assert own_house.ask("/live/audit?once=true", **head).status == 403
    first = own_house.ask("/audit?lang=en", **boss).text
    assert "&lt;b&gt;fan 100&lt;/b&gt;" in first and "fan 0&lt;" not in first and "<b>fan" not in first
    older = re.search(r'href="(/audit\?[^"]+)" rel="next"', first)
    assert older is not None
    assert "fan 0&lt;" in own_house.ask(older[1].replace("&amp;", "&"), **boss).text
    assert own_house.ask("/audit?before=x", **boss).status == 404
    assert "/audit?lang=en" in own_house.ask("/?lang=en", **boss).text
    assert "/audit" not in own_house.ask("/?lang=en", **head).text


def test_the_command_shows_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(Places(tmp_path).desk, lambda: 1_795_000_000_000)
    for number in range(3):
        desk.note("account:somsri", "override", f"fan {number}", "done")
    desk.note("console", "user add", "somsri", "teacher all")
    desk.close()
    assert command.main(["audit", "--limit", "2", "--data", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()] == ["4", "3"] and "--before 3" in told.err
    assert command.main(["audit", "--who", "account:somsri", "--before", "3", "--data", str(tmp_path)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["2", "1"]


def test_a_token_is_tied_to_places_and_may_not_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    made = ["token", "create", "logger", "--scope", "export", "--site", "ban-suan", "--room", "rim-khlong.a2-1"]
    assert command.main([*made, *data]) == 0
    secret = capsys.readouterr().out.strip()
    opened = Desk(Places(tmp_path).desk, lambda: 1_795_000_000_000)
    who = opened.token(secret)
    opened.close()
    assert who is not None and who.covers("ban-suan.p1-2") and who.covers("rim-khlong.a2-1")
    assert not who.covers("rim-khlong") and who.scopes == {"read", "export"}
    assert command.main(["token", "list", *data]) == 0
    assert "ban-suan rim-khlong.a2-1" in capsys.readouterr().out
    for scope in ("approve", "admin"):
        with pytest.raises(SystemExit):
            command.main(["token", "create", "other", "--scope", scope, *data])
