"""Who changed what: kept, paged, shown to administrators alone, by page and by command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair import i18n
from classair.places import Places
from dashboard.access import command
from dashboard.access.audit import MOST, Action, Audit
from dashboard.access.desk import Desk
from dashboard.access.desk_file import DeskFile
from tests.dashboard.access.conftest import SECRET, Clock


@pytest.fixture
def audit(tmp_path: Path, clock: Clock) -> Iterator[Audit]:
    file = DeskFile(tmp_path / "desk.db")
    yield Audit(file, clock)
    file.close()


def test_pages_lead_through_every_entry_once_newest_first(audit: Audit) -> None:
    for number in range(25):
        audit.note("account:a" if number % 2 else "account:b", Action.OVERRIDE, str(number), "done")
    seen: list[str] = []
    before = None
    while page := audit.page(7, before=before):
        seen += [one.about for one in page]
        before = page[-1].id
    assert seen == [str(number) for number in reversed(range(25))]
    assert {one.who for one in audit.page(who="account:a")} == {"account:a"}
    assert len(audit.page(10 * MOST)) == 25 and audit.page(-1) == []


def test_what_was_written_is_cut_and_never_lost(audit: Audit) -> None:
    audit.note("account:a", Action.EVENT_ADD, "x" * 1000, "y" * 1000)
    (one,) = audit.page()
    assert (len(one.about), len(one.outcome)) == (200, 200)


def entered(house: Any, name: str) -> dict[str, str]:
    return {"Cookie": f"classair_session={house.desk.sign_in_as(name).secret}"}


def test_the_page_is_for_administrators_and_pages_on(own_house: Any) -> None:
    own_house.desk.add_account("boss", "admin", "")
    own_house.desk.add_account("head", "head", "", ["ban-suan"])
    for number in range(101):
        own_house.desk.note("account:head", Action.OVERRIDE, f"<b>fan {number}</b>", "done")
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
        desk.note("account:somsri", Action.OVERRIDE, f"fan {number}", "done")
    desk.note("console", Action.USER_ADD, "somsri", "teacher all")
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


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_page_says_every_action_in_words_and_what_it_does_not_know_as_it_stands(
    own_house: Any, language: str
) -> None:
    own_house.desk.add_account("boss", "admin", "")
    for action in Action:
        own_house.desk.note("console", action, "", "")
    with own_house.desk.file.change() as db:
        for do in ("refused POST", "of_another_version"):
            db.execute("insert into audit(at, who, do, about, outcome) values(1, 'console', ?, '', '')", (do,))
    page = own_house.ask(f"/audit?lang={language}", **entered(own_house, "boss")).text
    heads = i18n.t(language, "audit_page.do")
    told = re.findall(rf'<td data-head="{heads}">([^<]*)</td>', page)
    words = [i18n.t(language, action.text) for action in Action]
    assert told == ["of_another_version", i18n.t(language, Action.REFUSED.text), *reversed(words)]
    assert len(set(words)) == len(words) and not {*words} & {*map(str, Action)}


def signed_in(house: Any, name: str, password: str) -> int:
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": house.url}
    return int(house.ask("/login", "POST", body=f"name={name}&password={password}".encode(), **headers).status)


def test_signing_in_by_password_is_noted_and_never_what_was_typed_into_the_wrong_field(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET, ["ban-suan.p1-2"])
    statuses = [signed_in(own_house, *typed) for typed in (("somsri", "wrong"), (SECRET, ""), ("somsri", SECRET))]
    assert statuses == [401, 401, 303]
    assert [(one.who, one.do, one.about, one.outcome) for one in own_house.desk.history.page()] == [
        ("account:somsri", "sign in", "password", "done"),
        ("visitor", "sign in", "unknown name", "refused: wrong name or password"),
        ("visitor", "sign in", "somsri", "refused: wrong name or password"),
    ]
